"""Where a cluster and its socket live: in the data folder, unless its user or the length of a path forbids it."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.postgres.account import Account
from deploy.postgres.binaries import STATE
from shared.kernel.errors import NotFound, Unavailable

SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103
"""Bytes. Linux allows 107 and macOS 103; a longer path cannot be bound at all."""

_POINTER = "postgres.at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of one cluster. `cluster` may not exist yet; `socket_folder` is made when it is needed."""

    cluster: Path
    socket_folder: Path


def where_it_is(data: Path) -> Path:
    """The cluster of this data folder: inside it, or where its pointer says.

    Raises:
        NotFound: the pointer names a folder that is gone.
    """
    pointer = data / _POINTER
    if not pointer.is_file():
        return data / "postgres"
    cluster = Path(pointer.read_text("utf-8").strip()) / "postgres"
    if not cluster.is_dir():
        raise NotFound(
            f"{pointer} says that the database is in {cluster}, and it is not. "
            f"Bring it back, or remove {pointer} to begin with an empty one."
        )
    return cluster


def place_for(data: Path, cluster: Path, account: Account, say: Callable[[str], None]) -> Place:
    """Decide where a cluster not made yet shall live, and remember it if that is elsewhere. Opens nobody's folder."""
    if not (cluster / "PG_VERSION").is_file() and not account.can_enter(data):
        home = _home_elsewhere(data)
        _make_home(home, data)
        say(f"User {account.name}, who runs PostgreSQL here, cannot enter {data}: the database is in {home}.")
        cluster = home / "postgres"
    beside = cluster.parent / "run"
    return Place(cluster=cluster, socket_folder=beside if _fits(beside) else _short_folder(cluster, account))


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET_PATH


def _home_elsewhere(data: Path) -> Path:
    # A folder of that name may hold the database of a data folder since removed. It is somebody's data: it stays.
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    home, number = STATE / name, 1
    while home.exists():
        number += 1
        home = STATE / f"{name}-{number}"
    return home


def _make_home(home: Path, data: Path) -> None:
    try:
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        home.mkdir(mode=0o755)
        (home / "belongs-to").write_text(f"{data}\n", "utf-8")
        (data / _POINTER).write_text(f"{home}\n", "utf-8")
    except OSError as error:
        raise Unavailable(
            f"Cannot put the database into {home}: {error.strerror}. Choose a --data that user can enter."
        ) from error


def _short_folder(cluster: Path, account: Account) -> Path:
    """A folder with a short name for the socket, whose parent is not for others to change."""
    name = f"muster-{account.uid}-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]}"
    if not account.is_me:
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        return STATE / name
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(runtime) if runtime and os.access(runtime, os.W_OK) else Path("/tmp")  # noqa: S108  # checked below
    folder = parent / name
    if not _fits(folder):
        folder = Path(tempfile.gettempdir()) / name
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != account.uid):
        raise Unavailable(
            f"{folder}, where PostgreSQL's socket should go, belongs to somebody else. "
            f"Choose a --data with a shorter path."
        )
    return folder
