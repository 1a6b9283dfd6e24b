"""What the commands share: where words go, what they end with, and how they call a running system."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx
import typer
from rich.console import Console

from deploy.settings import Client, read
from shared.kernel.errors import MusterError, Unauthenticated, Unavailable

DONE, FAILED, WRONG_USE, PARTLY = 0, 1, 2, 3
"""Exit codes, of every command. `PARTLY`: all that could be read was done, and some could not."""

messages = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
"""For people: progress, explanations, errors."""

results = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())
"""What was asked for, and nothing else."""


def print_json(value: Any) -> None:
    """A result that a program may read."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    """Say why, and end."""
    messages.print(message, style="red", markup=False)
    raise typer.Exit(code)


class Refused(MusterError):
    """The system answered with a problem."""

    def __init__(self, message: str, status: int, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message, fields=fields)
        self.status = status


class Api:
    """The HTTP API of a running system, as whoever the environment says."""

    def __init__(self, settings: Client | None = None) -> None:
        self.settings = settings or read(Client)
        self.url = self.settings.url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=httpx.Timeout(30, connect=5), trust_env=False)
        self._token = self.settings.token and self.settings.token.get_secret_value()

    def token(self) -> str:
        """An access token: the given one, or one for the administrator's password.

        Raises:
            Unauthenticated: there is neither.
        """
        if not self._token:
            password = self.settings.admin_password
            if password is None:
                raise Unauthenticated(
                    "Set MUSTER_TOKEN (muster token prints one), or MUSTER_ADMIN_PASSWORD to sign in as admin."
                )
            self._token = self.sign_in("admin", password.get_secret_value())
        return self._token

    def sign_in(self, username: str, password: str) -> str:
        """An access token for a user and their password."""
        answer = self._send("POST", "/api/auth/token/", json={"username": username, "password": password})
        return str(answer.json()["access"])

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request and return a good answer.

        Raises:
            Refused: with the sentence of the problem.
            Unavailable: nothing answers.
        """
        return self._send(method, path, headers={"Authorization": f"Bearer {self.token()}"}, **request)

    @contextmanager
    def stream(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """The same for what takes as long as it takes; the answer is read by the caller."""
        headers = {"Authorization": f"Bearer {self.token()}", **request.pop("headers", {})}
        timeout = httpx.Timeout(connect=5, read=None, write=None, pool=5)
        with self._reached(), self._client.stream(method, path, headers=headers, timeout=timeout, **request) as answer:
            if answer.is_error:
                answer.read()
                raise _problem(answer)
            yield answer

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        with self._reached():
            answer = self._client.request(method, path, **request)
        if answer.is_error:
            raise _problem(answer)
        return answer

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise Unavailable(
                f"Nothing answers at {self.url}. Start Muster (muster up), or say where it is with MUSTER_URL."
            ) from error
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.url} did not answer as it should: {str(error) or type(error).__name__}"
            ) from error


def _problem(answer: httpx.Response) -> Refused:
    fields: dict[str, str] = {}
    try:
        body = answer.json()
        said = str(body.get("error") or body.get("detail") or answer.reason_phrase)
        fields = {str(item["pointer"]): str(item["detail"]) for item in body.get("errors", ())}
    except (ValueError, AttributeError, KeyError, TypeError):
        said = answer.reason_phrase
    if answer.status_code == 401:
        said = f"{said} (MUSTER_TOKEN, or MUSTER_ADMIN_PASSWORD)"
    return Refused(said, answer.status_code, fields=fields)
