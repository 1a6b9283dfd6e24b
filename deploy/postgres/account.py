"""Who runs PostgreSQL: whoever we are, or, because it refuses to run as root, another user in root's place."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from shared.kernel.errors import Unavailable

_STANDING_IN_FOR_ROOT = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user that programs are started as."""

    uid: int
    gid: int
    name: str

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, *command: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end and keep what it says; its exit code is the caller's to judge."""
        try:
            return subprocess.run(
                [str(part) for part in command],
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                **self._as_this_user(),
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", f"{command[0]} as {self.name}: {error}")

    def spawn(self, *command: str | Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program that stays, in a session of its own, so that Ctrl-C in our terminal does not reach it."""
        try:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_this_user(),
            )
        except OSError as error:
            raise Unavailable(f"Cannot start {command[0]} as {self.name}: {error}") from error

    def can_enter(self, folder: Path) -> bool:
        """True when every folder down to this one lets the user pass. Asked of the system, which also knows of ACLs."""
        return self.is_me or self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0

    def owns(self, folder: Path) -> Path:
        """Make `folder` if need be, for this user alone. It must be one of ours: its mode and owner change."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self.is_me:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)
        return folder

    def _as_this_user(self) -> dict[str, Any]:
        # Of our environment only what programs need to run at all: neither our secrets nor a stray PGDATA.
        passed = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "ICU_DATA") if key in os.environ}
        common: dict[str, Any] = {"env": {**passed, "LC_ALL": "C", "HOME": "/"}, "cwd": "/"}
        return common if self.is_me else {**common, "user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(cluster: Path) -> Account:
    """Who is to run this cluster: its owner where we may act as that user, and for a new one whoever is suitable."""
    me = os.geteuid()
    if me != 0:
        return _account(pwd.struct_passwd((_name(me), "", me, os.getegid(), "", "/", "")))
    try:
        owner = (cluster / "PG_VERSION").stat().st_uid
    except FileNotFoundError:
        owner = 0
    if owner != 0:
        try:
            return _account(pwd.getpwuid(owner))
        except KeyError:
            return Account(uid=owner, gid=cluster.stat().st_gid, name=str(owner))
    for name in _STANDING_IN_FOR_ROOT:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise Unavailable(
        "PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it. "
        "Start Muster as an ordinary user, or add one: useradd --system postgres"
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers are often run with a number that nobody named
        return str(uid)
