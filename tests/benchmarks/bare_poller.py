"""The limit for the bridge: nothing but polls, over one pooled requests.Session."""

import sys
import threading
import time

import requests
from requests.adapters import HTTPAdapter


def poll(session: requests.Session, url: str, until: float) -> None:
    """Poll one station as fast as it answers."""
    while time.monotonic() < until:
        session.get(url, timeout=5).json()


def main(base_url: str, stations: int, seconds: float) -> None:
    """Poll with a thread a station for a while."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=stations))
    until = time.monotonic() + seconds
    threading.stack_size(512 * 1024)
    threads = [
        threading.Thread(target=poll, args=(session, f"{base_url}/stations/s{i}", until))
        for i in range(stations)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
