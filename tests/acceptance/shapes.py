"""Muster as its users run it, in its two shapes, seen from outside: HTTP, live connections, commands, signals."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.acceptance.composefile import moved, read_compose
from tests.acceptance.processes import MUSTER, TAIL, Feeding, Process, Result, run_command
from tests.servers.ports import free_port, signal_family

T = TypeVar("T")

READY_WITHIN = 60.0
STOPPED_WITHIN = 35.0
"""As `stop_grace_period` says."""
TOKEN_LASTS = 600.0
"""Seconds for which a token is used; it is good for longer."""


def until(look: Callable[[], T], what: str, *, within: float = 30.0, every: float = 0.1) -> T:
    """What `look` gives once it is true; a failed assertion of `look` counts as not yet."""
    deadline = time.monotonic() + within
    while True:
        seen: Any
        try:
            if seen := look():
                return seen
        except (AssertionError, httpx.TransportError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {seen!r:.2000}")
        time.sleep(every)


class Caller:
    """Somebody who is signed in, and calls the API."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.username = username
        self._url = url
        self._password = password
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._token, self._until = "", 0.0

    def token(self) -> str:
        if time.monotonic() > self._until:
            answer = self._client.post("/api/auth/token/", json={"username": self.username, "password": self._password})
            assert answer.status_code == 200, answer.text
            self._token, self._until = answer.json()["access"], time.monotonic() + TOKEN_LASTS
        return self._token

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Any answer, good or not."""
        headers = {"Authorization": f"Bearer {self.token()}", **request.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **request)

    def get(self, path: str, **parameters: Any) -> Any:
        """The body of a good answer."""
        answer = self.call("GET", path, params=parameters)
        assert answer.status_code == 200, f"GET {path} {parameters}: {answer.status_code} {answer.text}"
        return answer.json()

    def count(self, path: str, **parameters: Any) -> int:
        """How long a list is, as its header says."""
        answer = self.call("GET", path, params={"limit": 1, **parameters})
        assert answer.status_code == 200, f"GET {path} {parameters}: {answer.status_code} {answer.text}"
        return int(answer.headers["X-Total-Count"])

    def every(self, path: str, **parameters: Any) -> list[Any]:
        """A whole list, page by page, as its links say."""
        rows: list[Any] = []
        answer = self.call("GET", path, params={"limit": 5000, **parameters})
        while True:
            assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text}"
            rows.extend(answer.json())
            following = answer.links.get("next")
            if following is None:
                return rows
            answer = self.call("GET", following["url"])

    def post(self, path: str, body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.status_code in (200, 201), f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json()


class System:
    """A running Muster."""

    shape: str
    url: str
    live_url: str
    bus_url: str
    """For what a test plays as another system on the bus, and for the commands of operators."""
    database_url: str
    password: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, Process] = {}
        self.secret = secrets.token_hex(32)
        self._admin: Caller | None = None

    def __repr__(self) -> str:
        return f"<{self.shape}>"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        codes = self.stop()
        if error is None:
            assert set(codes.values()) <= {0}, f"told to stop, they ended with {codes}\n{self.logs}"

    def start(self) -> None:
        raise NotImplementedError

    def kill(self, service: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to what runs that service."""
        self.process_of(service).kill(how)

    def restart(self, service: str) -> None:
        """Start again what ran that service and has ended."""
        self.process_of(service).start()

    def process_of(self, service: str) -> Process:
        raise NotImplementedError

    def stop(self) -> dict[str, int]:
        """End all in order; the exit code of each."""
        return {name: process.stop(STOPPED_WITHIN) for name, process in reversed(self.processes.items())}

    @property
    def logs(self) -> str:
        """The end of each process's log."""
        return "\n".join(f"=== {name}\n{process.said()[-TAIL:]}" for name, process in self.processes.items())

    @property
    def admin(self) -> Caller:
        if self._admin is None:
            self._admin = self.signed_in("admin", self.password)
        return self._admin

    def admin_is(self, caller: Caller) -> None:
        """The administrator's password became known only after the start."""
        self._admin = caller

    def signed_in(self, username: str, password: str) -> Caller:
        return Caller(self.url, username, password)

    def token(self) -> str:
        """An access token of the administrator."""
        return self.admin.token()

    def client_environment(self) -> dict[str, str]:
        """What a person at a terminal has set to reach it."""
        return {"MUSTER_URL": self.url, "MUSTER_TOKEN": self.token()}

    def cli(self, *words: str | Path, **more: Any) -> Result:
        """Run a command that reaches it over its API."""
        environment = {**self.client_environment(), **more.pop("environment", {})}
        return run_command(*words, environment=environment, **more)

    def feed(self, *words: str | Path) -> Feeding:
        """The same, with standard input held open."""
        return Feeding(*words, environment=self.client_environment())

    def operate(self, *words: str | Path, **more: Any) -> Result:
        """Run a command that works on its bus and its database, as an operator at its machine does."""
        environment = {
            "MUSTER_BUS_URL": self.bus_url,
            "MUSTER_DATABASE_URL": self.database_url,
            "MUSTER_SECRET": self.secret,
        }
        return run_command(*words, environment=environment, **more)

    def live(self, caller: Caller | None = None) -> ClientConnection:
        """A live connection, signed in."""
        token = (caller or self.admin).token()
        return connect(
            self.live_url, subprotocols=[Subprotocol("bearer"), Subprotocol(token)], proxy=None, open_timeout=10
        )

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, within: float = READY_WITHIN) -> None:
        """Return once scans can be taken; at once with what they say if a process has ended instead."""

        def look() -> bool:
            ended = {name: one.ended_with for name, one in self.processes.items() if one.ended_with not in (None, 0)}
            if ended:
                raise RuntimeError(f"{ended} ended before they were ready\n{self.logs}")
            return self.is_ready()

        until(look, f"{self.shape} is ready", within=within)


class Embedded(System):
    """`muster up`: one process with a PostgreSQL of its own."""

    shape = "embedded"

    def __init__(
        self, folder: Path, *, timezone: str | None = None, demo: bool = False, password: str | None = "correct horse 9"
    ) -> None:
        """`password` None lets it make one up."""
        super().__init__(folder)
        self.data = folder / "data"
        ports = free_port(), free_port(), free_port()
        self.url, self.live_url = f"http://127.0.0.1:{ports[0]}", f"ws://127.0.0.1:{ports[1]}"
        self.machines_url = f"http://127.0.0.1:{ports[2]}"
        self.password = password or ""
        words = ["up", "--data", str(self.data), "--http-port", str(ports[0]), "--live-port", str(ports[1])]
        environment = {
            **({"MUSTER_ADMIN_PASSWORD": password} if password else {}),
            **({"MUSTER_TIMEZONE": timezone} if timezone else {}),
            "MUSTER_SECRET": self.secret,
            "MUSTER_MACHINE_PORT": str(ports[2]),
            "MUSTER_LOG_LEVEL": "INFO",
        }
        self.processes["muster"] = Process(
            "muster", [MUSTER, *words, *(["--demo"] if demo else [])], environment, folder
        )

    def start(self) -> None:
        self.process_of("muster").start()
        self.wait_until_ready()
        until(lambda: "Muster runs at" in self.process_of("muster").said(), "it says where it is")
        kept = json.loads((self.data / "address.json").read_text("utf-8"))
        self.bus_url = self.database_url = kept["database_url"]

    def process_of(self, service: str) -> Process:
        """There is only one, which runs every service."""
        return self.processes["muster"]

    def kill(self, service: str, how: signal.Signals = signal.SIGKILL) -> None:
        if service != "postgres":
            super().kill(service, how)
            return
        servers = self.process_of("postgres").children("postgres")
        assert len(servers) == 1, servers
        if how == signal.SIGKILL:  # its children see it and end
            os.kill(servers[0].pid, how)
        else:
            signal_family(servers[0].pid, how)


class Compose(System):
    """The services of docker-compose.yml, each a process with the command and the environment of the file.

    Host names become addresses of this machine, ports free ones. PostgreSQL and RabbitMQ are given.
    """

    shape = "compose"

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        bus_url: str,
        timezone: str | None = None,
        scale: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(folder)
        self.database_url, self.bus_url = database_url, bus_url
        self.password = "correct horse 9"
        variables = {
            "MUSTER_SECRET": self.secret,
            "MUSTER_DATABASE_PASSWORD": "unused",
            "MUSTER_BUS_PASSWORD": "unused",
            "MUSTER_ADMIN_PASSWORD": self.password,
            **({"MUSTER_TIMEZONE": timezone} if timezone else {}),
        }
        self.containers = read_compose(variables)
        self._scale = dict(scale or {})
        self.urls: dict[str, str] = {}
        hosts = {"postgres": database_url, "rabbitmq": bus_url}
        for name, container in self.containers.items():
            if container.listens_on:
                self.urls[name] = hosts[name] = f"http://127.0.0.1:{free_port()}"
        for name, container in self.containers.items():
            environment = {key: moved(value, hosts) for key, value in container.environment.items()}
            for number in range(1, self._scale.get(name, 1) + 1):
                self._add(name, number, container.command, environment)
        self.url, self.machines_url = self.urls["gateway"], self.urls["ingest"]

    def _add(self, service: str, number: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        # In containers every instance has the same port, and the name leads to any of them; here it leads to the first.
        name = service if number == 1 else f"{service}-{number}"
        ports: dict[str, str] = {}
        if service in self.urls:
            port = self.urls[service].rpartition(":")[2] if number == 1 else str(free_port())
            ports["MUSTER_HTTP_PORT"] = port
            self.urls.setdefault(name, f"http://127.0.0.1:{port}")
        if 8765 in self.containers[service].ports:
            ports["MUSTER_LIVE_PORT"] = str(free_port())
            self.live_url = f"ws://127.0.0.1:{ports['MUSTER_LIVE_PORT']}"
        self.processes[name] = Process(name, [MUSTER, *command], {**environment, **ports}, self.folder)

    def start(self) -> None:
        """The one-shot jobs first, as `depends_on` says; then all services at once."""
        jobs = {
            other
            for container in self.containers.values()
            for other, how in container.after.items()
            if how == "service_completed_successfully"
        }
        for job in jobs:
            process = self.processes[job]
            process.start()
            code = process.wait(READY_WITHIN)
            if code != 0:
                raise RuntimeError(f"{job} ended with {code}\n{self.logs}")
        for name, process in self.processes.items():
            if name not in jobs:
                process.start()
        self.wait_until_ready()

    def process_of(self, service: str) -> Process:
        return self.processes[service]
