"""One live process a data folder."""

import errno
import fcntl
import os
from pathlib import Path

from shared.kernel.errors import Conflict, Unavailable


class FolderLock:
    """Held as long as the process lives: the system lets go of it even after `kill -9`, so it is never stale."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "muster.lock"
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock; nothing happens where we hold it.

        Raises:
            Conflict: another living process holds it.
        """
        if self._file is not None:
            return
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unavailable(f"Cannot write in the data folder {self._folder}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 32, 0).decode(errors="replace").strip()
            os.close(file)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise Unavailable(f"Cannot lock the data folder {self._folder}: {error.strerror}") from error
            who = f" (process {holder})" if holder else ""
            raise Conflict(
                f"The data folder {self._folder} is in use by another Muster{who}. "
                f"Stop that one, or choose another --data."
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
