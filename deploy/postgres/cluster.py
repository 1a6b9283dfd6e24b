"""Making a cluster, once, and clearing away what a killed one left behind."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

import psutil

from deploy.postgres.account import Account
from deploy.postgres.binaries import Binaries
from shared.kernel.errors import Unavailable

USER = "muster"
DATABASE = "muster"

_SETTINGS = """
# What follows is Muster's choice for one machine. Change it here as you need; it is written once.
max_connections = 200
max_locks_per_transaction = 256     # a query over years of months touches many partitions
shared_buffers = {shared_buffers}MB
effective_cache_size = {cache}MB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off                           # our queries are short; compiling them takes longer than running them
fsync = on
synchronous_commit = on             # an acknowledged scan is on disk
wal_compression = on
min_wal_size = 256MB
max_wal_size = 2GB                  # an imported year fits between two checkpoints
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
autovacuum_naptime = 15s            # the bus's tables live by short-lived rows
autovacuum_vacuum_cost_limit = 2000
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
log_checkpoints = off
log_parameter_max_length = 0        # values are people's data and no business of a log
log_parameter_max_length_on_error = 0
"""


def version_of(cluster: Path) -> int | None:
    """The major version that made this cluster; None where there is none yet.

    Raises:
        Unavailable: it belongs to somebody whose files we may not read.
    """
    try:
        return int((cluster / "PG_VERSION").read_text("ascii"))
    except FileNotFoundError:
        return None
    except (PermissionError, ValueError) as error:
        raise Unavailable(
            f"Cannot read the database in {cluster}: {error}. "
            f"Start Muster as the user that made it, or choose another --data."
        ) from error


def create(cluster: Path, binaries: Binaries, account: Account) -> None:
    """Make a cluster with the database in it. It appears at `cluster` complete or not at all."""
    half = cluster.with_name(f"{cluster.name}.unfinished")
    if half.exists():
        shutil.rmtree(half)
    account.owns(half)
    _initdb(half, binaries, account)
    memory = psutil.virtual_memory().total // 2**20
    with (half / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(_SETTINGS.format(shared_buffers=min(max(memory // 32, 128), 512), cache=max(memory // 4, 256)))
    made = account.run(
        binaries.tool("postgres"), "--single", "-D", half, "postgres", stdin=f"CREATE DATABASE {DATABASE}\n"
    )
    if made.returncode != 0:
        raise Unavailable(f"Cannot make the database in {half}: {made.stderr.strip()[-400:]}")
    half.rename(cluster)


def clear_leftovers(cluster: Path) -> None:
    """End what a killed Muster left running here, and remove a `postmaster.pid` that no server holds.

    Only for whoever holds the folder's lock: any server found is then nobody's.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    if left := _serving(cluster):
        head = _first_number(pid_file)
        _end([process for process in left if process.pid == head], signal.SIGINT, seconds=20)
        _end(_serving(cluster), signal.SIGQUIT, seconds=10)
        _end(_serving(cluster), signal.SIGKILL, seconds=10)
        if still := _serving(cluster):
            raise Unavailable(f"PostgreSQL still runs in {cluster} (process {still[0].pid}) and cannot be stopped.")
    # The number in it may since belong to any other program, which PostgreSQL would take for a living server.
    pid_file.unlink(missing_ok=True)


def _initdb(folder: Path, binaries: Binaries, account: Account) -> None:
    said = ""
    for locale in ("C.UTF-8", "C"):  # the same order everywhere, and the first also knows upper and lower case
        command = ["-D", str(folder), "-U", USER, "-E", "UTF8", f"--locale={locale}", "--data-checksums"]
        done = account.run(
            binaries.tool("initdb"), *command, "--auth-local=trust", "--auth-host=reject", "--no-instructions"
        )
        if done.returncode == 0:
            return
        said = (done.stderr or done.stdout).strip()
        for leftover in folder.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    raise Unavailable(
        f"PostgreSQL {binaries.version} could not make a database in {folder} as {account.name}: {said[-400:]}"
    )


def _serving(cluster: Path) -> list[psutil.Process]:
    """Every process of a PostgreSQL in this folder, even one whose postmaster is gone."""
    here = os.path.realpath(cluster)
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"].startswith(("postgres", "postmaster")) and process.cwd() == here:
                found.append(process)
    return found


def _end(processes: list[psutil.Process], how: signal.Signals, *, seconds: float) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)  # a frozen one would not hear the other
            process.send_signal(how)
    psutil.wait_procs(processes, timeout=seconds)


def _first_number(pid_file: Path) -> int:
    lines = pid_file.read_text("ascii", errors="replace").splitlines()
    return int(lines[0]) if lines and lines[0].strip().isdigit() else 0
