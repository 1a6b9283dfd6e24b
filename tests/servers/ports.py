"""Ports, folders and processes of servers that a run starts for itself."""

import contextlib
import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def free_port() -> int:
    """A port that nothing listens on, below those that the system gives to outgoing connections.

    One from above may be taken as somebody's local end between finding it and listening on it.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that other users may enter: servers that refuse to be root run as one."""
    folder = Path(tempfile.mkdtemp(prefix=f"muster-{prefix}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def signal_family(pid: int, how: signal.Signals) -> None:
    """Send a signal to a process and to all below it, the eldest first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        eldest = psutil.Process(pid)
        for process in [eldest, *eldest.children(recursive=True)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, how)


def family_stands_still(pid: int) -> bool:
    """Whether a process and all below it are stopped: a signal alone says nothing of children born meanwhile."""
    eldest = psutil.Process(pid)
    for process in [eldest, *eldest.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                return False
    return True


def answers(host: str, port: int, seconds: float = 1.0) -> bool:
    """True when something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), seconds):
        return True
    return False
