"""Becomes another program, one that the kernel ends when the console dies.

Run as `python -I -S launcher.py CONSOLE_PID PROGRAM ARGUMENT…`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; kept over execve


def main() -> None:
    """Ask for the death signal, make sure that it was not too late, then exec."""
    console_pid, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        # SIGKILL: a child that hangs must not survive either, and every service stands a kill -9.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != console_pid:
            sys.exit("the console has died")
    os.execv(program[0], program)  # noqa: S606 - becoming that program is the purpose


if __name__ == "__main__":
    main()
