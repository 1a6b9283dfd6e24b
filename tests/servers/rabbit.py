"""A RabbitMQ for tests: virtual hosts of their own in one that is there, or a node of their own."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx
import psutil

from tests.servers.docker import docker_answers
from tests.servers.ports import answers, family_stands_still, free_port, open_folder, signal_family

_HELLO = b"AMQP\x00\x00\x09\x01"
_BOOT = 60.0
ATTEMPTS = 5


class Control(Protocol):
    """Makes and removes virtual hosts."""

    def add(self, vhost: str, user: str) -> None: ...
    def delete(self, vhost: str) -> None: ...


@dataclass(kw_only=True)
class RabbitServer:
    """A server that a run makes virtual hosts in, and removes all of them again."""

    url: str
    """`amqp://user:password@host:port`, without a virtual host."""
    how: str
    control: Control
    worker: str = "main"

    def create(self) -> str:
        """Make a virtual host and return its name."""
        name = f"muster_{self.worker}_{uuid.uuid4().hex[:8]}"
        self.control.add(name, urlsplit(self.url).username or "guest")
        return name

    def delete(self, name: str) -> None:
        self.control.delete(name)

    def url_of(self, vhost: str) -> str:
        return f"{self.url}/{quote(vhost, safe='')}"


class Erlang:
    """Speaks to a node as its administrator does: in 20 ms by `erl_call`, where `rabbitmqctl` takes a second."""

    def __init__(self, node: str, cookie: str, environment: dict[str, str] | None = None) -> None:
        self._node = node
        self._cookie = cookie
        self._environment = {**os.environ, **(environment or {})}

    def evaluate(self, code: str) -> str:
        """Evaluate Erlang in the node, such as `application:set_env(rabbit, consumer_timeout, 3000).`"""
        program = _erl_call()
        assert program, "erl_call is part of Erlang, which RabbitMQ needs"
        command = [program, "-r", "-sname", self._node, "-c", self._cookie, "-timeout", "20", "-e"]
        for attempt in range(1, ATTEMPTS + 1):
            done = subprocess.run(
                command,
                input=f"{code}\n",
                capture_output=True,
                text=True,
                check=False,
                env=self._environment,
                timeout=30,
            )
            # Many who ask at once, on a busy machine: nothing was evaluated then.
            if "failed to connect" not in done.stderr or attempt == ATTEMPTS:
                break
            time.sleep(attempt)
        if done.returncode != 0 or done.stdout.startswith("{error"):
            raise RuntimeError(f"{code} in {self._node}: {done.stdout} {done.stderr}")
        return done.stdout.removeprefix("{ok, ").removesuffix("}")

    def add(self, vhost: str, user: str) -> None:
        everything = ", ".join(['<<".*">>'] * 3)
        self.evaluate(
            f'ok = rabbit_vhost:add(<<"{vhost}">>, <<"tests">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"{user}">>, <<"{vhost}">>, {everything}, <<"tests">>).'
        )

    def delete(self, vhost: str) -> None:
        self.evaluate(f'rabbit_vhost:delete(<<"{vhost}">>, <<"tests">>).')


class Management:
    """The same over the management plugin, for servers whose files are not here."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api", auth=(user, password), timeout=10)

    def add(self, vhost: str, user: str) -> None:
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._client.put(f"/vhosts/{quote(vhost, safe='')}").raise_for_status()
        self._client.put(f"/permissions/{quote(vhost, safe='')}/{user}", json=everything).raise_for_status()

    def delete(self, vhost: str) -> None:
        self._client.delete(f"/vhosts/{quote(vhost, safe='')}").raise_for_status()


@contextmanager
def find_rabbit(worker: str = "main") -> Iterator[RabbitServer | None]:
    """The first of: the environment, localhost, Docker, a private node; None where there is none of them.

    `MUSTER_TEST_BUS_URL=none` does without one.
    """
    if os.environ.get("MUSTER_TEST_BUS_URL") == "none":
        yield None
        return
    for place in (_from_environment, _on_localhost, _in_docker, _of_our_own):
        with place(worker) as found:
            if found:
                yield found
                return
    yield None


class PrivateRabbit:
    """A node that a test may stop, kill and freeze. Its vhost is `/`, its user guest."""

    def __init__(self, folder: Path, worker: str = "main") -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._epmd = free_port()
        self.port = free_port()
        self.node = f"muster-{worker}-{self.port}@localhost"
        cookie = secrets.token_hex(10)
        (folder / ".erlang.cookie").write_text(cookie)
        (folder / ".erlang.cookie").chmod(0o400)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\nlog.file.level = warning\ndisk_free_limit.absolute = 50MB\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        self.erlang = Erlang(self.node, cookie, {"ERL_EPMD_PORT": str(self._epmd)})

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Boot, which takes some six seconds, and return once it speaks AMQP."""
        if self._process is not None and self._process.poll() is None:
            return
        with (self._folder / "boot.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_server_program() or "rabbitmq-server"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait(lambda: speaks_amqp("127.0.0.1", self.port))

    def stop(self) -> None:
        """As an administrator stops it, in about a second."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                self.erlang.evaluate("rpc:cast(node(), init, stop, []).")
                self._process.wait(30)
        self.kill()

    def kill(self) -> None:
        """`kill -9`; `start` brings it back."""
        if self._process is not None:
            signal_family(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing; returns once all of it stands still."""
        assert self._process is not None
        deadline = time.monotonic() + 10
        while not family_stands_still(self._process.pid):
            assert time.monotonic() < deadline, "RabbitMQ does not stand still"
            signal_family(self._process.pid, signal.SIGSTOP)
            time.sleep(0.01)

    def thaw(self) -> None:
        assert self._process is not None
        signal_family(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the node and its port mapper."""
        self.stop()
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                if process.info["name"] == "epmd" and process.environ().get("ERL_EPMD_PORT") == str(self._epmd):
                    process.kill()

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": folder,
            "RABBITMQ_HOME_DIR": folder,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_DIST_PORT": str(free_port()),
            # A port mapper of its own, so that neither disturbs one that is there nor leaves one behind.
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _wait(self, ready: Callable[[], bool]) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _BOOT
        while not ready():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = (self._folder / "boot.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"RabbitMQ {'ended' if ended else 'was not ready'}: {said}")
            time.sleep(0.05)


@contextmanager
def start_private_rabbit(worker: str = "main") -> Iterator[PrivateRabbit | None]:
    """A node of one's own; None where RabbitMQ is not installed."""
    if not (_server_program() and _erl_call()):
        yield None
        return
    with open_folder("rabbit") as folder:
        node = PrivateRabbit(folder, worker)
        try:
            node.start()
            yield node
        finally:
            node.close()


def speaks_amqp(host: str, port: int) -> bool:
    """True once it answers the protocol's first bytes with a method frame: a port alone is open before that."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1) as connection:
        connection.settimeout(2)
        connection.sendall(_HELLO)
        return connection.recv(1) == b"\x01"
    return False


@contextmanager
def _from_environment(worker: str) -> Iterator[RabbitServer | None]:
    url = os.environ.get("MUSTER_TEST_BUS_URL")
    if not url:
        yield None
        return
    parts = urlsplit(url)
    control = Management(
        os.environ.get("MUSTER_TEST_BUS_MANAGEMENT_URL", f"http://{parts.hostname}:15672"),
        parts.username or "guest",
        parts.password or "guest",
    )
    bare = f"{parts.scheme}://{parts.netloc}"
    yield RabbitServer(url=bare, how="MUSTER_TEST_BUS_URL", control=control, worker=worker)


@contextmanager
def _on_localhost(worker: str) -> Iterator[RabbitServer | None]:
    control = _local_control() if speaks_amqp("localhost", 5672) else None
    url = "amqp://guest:guest@localhost:5672"
    yield RabbitServer(url=url, how="localhost:5672", control=control, worker=worker) if control else None


def _local_control() -> Control | None:
    """How to make virtual hosts in the node of this machine; None where we may not."""
    with contextlib.suppress(OSError):
        cookie = Path("/var/lib/rabbitmq/.erlang.cookie").read_text().strip()
        for host in ("localhost", socket.gethostname()):
            with contextlib.suppress(RuntimeError, AssertionError, subprocess.TimeoutExpired):
                control = Erlang(f"rabbit@{host}", cookie)
                control.evaluate("rabbit_vhost:count().")
                return control
    if answers("localhost", 15672):
        return Management("http://localhost:15672", "guest", "guest")
    return None


@contextmanager
def _in_docker(worker: str) -> Iterator[RabbitServer | None]:
    if not docker_answers():
        yield None
        return
    from testcontainers.rabbitmq import RabbitMqContainer

    with RabbitMqContainer("rabbitmq:4-management-alpine").with_exposed_ports(5672, 15672) as container:
        host = container.get_container_host_ip()
        control = Management(f"http://{host}:{container.get_exposed_port(15672)}", "guest", "guest")
        url = f"amqp://guest:guest@{host}:{container.get_exposed_port(5672)}"
        yield RabbitServer(url=url, how="Docker", control=control, worker=worker)


@contextmanager
def _of_our_own(worker: str) -> Iterator[RabbitServer | None]:
    with start_private_rabbit(worker) as node:
        if node is None:
            yield None
        else:
            url = node.url.rstrip("/")
            yield RabbitServer(url=url, how="a private node", control=node.erlang, worker=worker)


def _server_program() -> str | None:
    # The package's own script first: the one on the PATH may be Debian's wrapper, which changes user and folders.
    for place in ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/sbin/rabbitmq-server"):
        if os.access(place, os.X_OK):
            return place
    return shutil.which("rabbitmq-server")


def _erl_call() -> str | None:
    found = sorted(
        found
        for root in (Path("/usr/lib/erlang"), Path("/usr/local/lib/erlang"), Path("/opt/homebrew/lib/erlang"))
        for found in root.glob("lib/erl_interface-*/bin/erl_call")
    )
    return str(found[-1]) if found else shutil.which("erl_call")
