"""One at work in a folder: locks that the operating system takes back when their holder dies."""

import errno
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from sim2real_lib.errors import InputError

LOCK = ".lock"
PATIENCE = 10.0  # seconds: a killed run's kernel takes one or two to notice
BUSY = (errno.EAGAIN, errno.EACCES)

_held: dict[Path, int] = {}  # folder -> open file, of this process


def hold(folder: Path, *, shared: bool = False, patience: float = PATIENCE) -> int | None:
    """Lock a folder until `release`, or until this process ends in whatever way.

    A process that holds the folder already goes on holding it.

    Args:
        folder: is made where it does not exist.
        shared: others may share it, but nobody may have it alone.
        patience: seconds to wait for whoever is there.

    Returns:
        the lock's file descriptor: a child process that gets it holds the lock, too. None where
        the file system knows no locks.

    Raises:
        InputError: when another process has it, which is named.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    place = folder.resolve()
    if place in _held:
        return _held[place]
    place.mkdir(parents=True, exist_ok=True)
    file = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            break
        except OSError as error:
            if error.errno in BUSY and time.monotonic() < end:
                time.sleep(0.1)
                continue
            who = os.pread(file, 1000, 0).decode(errors="replace") or "another process"
            os.close(file)
            if error.errno not in BUSY:
                return None
            remedy = "Wait until it ends, or end it; a notebook's kernel is shut down in JupyterLab"
            raise InputError(f"{who} is at work here", where=folder, remedy=remedy) from None
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}, since {since},".encode(), 0)
    _held[place] = file
    return file


def release(folder: Path) -> None:
    """Let others work in a folder again."""
    file = _held.pop(folder.resolve(), None)
    if file is not None:
        os.close(file)
