"""Whether the service in this container works: `python -m wattbus_contract.healthcheck`."""

import os
import sys
import time
from pathlib import Path

FRESH_FOR_S = 30.0


def health_file() -> Path:
    """Return the file that a running service keeps fresh."""
    return Path(os.environ.get("WATTBUS_HEALTH_FILE", "/tmp/wattbus-health"))  # noqa: S108 - a tmpfs of the container's own


def write(text: str) -> None:
    """Note that the service is alive; `text` is `ok` or what is wrong."""
    path = health_file()
    if path.exists() and not path.is_file():
        # A device such as /dev/null is written to, never replaced.
        path.write_text(text)
        return
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def clear() -> None:
    """Take the sign of life away, as a service does that ends."""
    path = health_file()
    if path.is_file():
        path.unlink(missing_ok=True)


def check() -> str | None:
    """Return None for a healthy service, else what is wrong."""
    path = health_file()
    try:
        age_s = time.time() - path.stat().st_mtime
        text = path.read_text()
    except OSError as error:
        return f"no sign of life: {error}"
    if age_s > FRESH_FOR_S:
        return f"last sign of life {age_s:.0f} s ago"
    return None if text == "ok" else text


if __name__ == "__main__":
    problem = check()
    if problem is not None:
        sys.exit(problem)
