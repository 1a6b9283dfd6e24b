"""Clients of npm, installed beside their lock once: by the first test that wants them, or by `make clients`."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
STAMP = MODULES / ".made-from-the-lock"


class CannotBeHad(RuntimeError):
    """There is no Node here, or no registry that has them."""


def npm_clients(*, within: float) -> Path:
    """The folder from which they can be required. Nothing is fetched where they are as the lock says.

    Raises:
        CannotBeHad: with what npm said.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotBeHad("there is no node, or no npm")
    made_from = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with (FOLDER / ".gitignore").open("rb") as lock:  # any file will do: workers take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        if STAMP.is_file() and STAMP.read_text() == made_from:
            return FOLDER
        try:
            done = subprocess.run(
                [npm, "ci", "--fetch-retries=0"],
                cwd=FOLDER,
                capture_output=True,
                text=True,
                timeout=within,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CannotBeHad(f"npm ci did not end within {within:g} s") from error
        if done.returncode:
            raise CannotBeHad(done.stderr.strip())
        STAMP.write_text(made_from)
    return FOLDER


if __name__ == "__main__":
    try:
        print(f"Installed in {npm_clients(within=120)}.")
    except CannotBeHad as error:
        sys.exit(f"The clients of npm cannot be had: {error}")
