"""Requests to a terminal, one at a time beside the endless one: signed, bounded, and changing nothing but its clock."""

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from services.ingest.application.drivers import Garbled, MachineTrouble, ProtocolBroken, Unreachable
from services.ingest.vendors.hikvision.clock import Wall
from services.ingest.vendors.hikvision.digest import Challenge, answer, challenge_of
from services.ingest.vendors.hikvision.documents import (
    MANUAL,
    Device,
    Refusal,
    device_of,
    refusal_of,
    showing,
    time_mode,
    time_of,
)
from services.ingest.vendors.hikvision.search import CAPABILITIES, PATH, Page, page_limit, page_of
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from services.ingest.vendors.hikvision.tree import NoDocument, Tree, tree_of
from services.ingest.vendors.hikvision.troubles import SHOWN, is_hung_up, not_allowed, refused_us, trouble_of

DEVICE: Final = "/ISAPI/System/deviceInfo"
TIME: Final = "/ISAPI/System/time"
STREAM: Final = "/ISAPI/Event/notification/alertStream"
LARGEST_ANSWER: Final = 1 << 22
"""Bytes. A page of the log has about twenty thousand."""
NONCES: Final = 3
"""Nonces in a row that may have grown old by the time that they were answered."""
BUSY_PAUSES: Final = (0.25, 0.5, 1.0, 2.0)
"""Seconds between attempts while the machine says that it is busy."""


class Refused(Exception):
    """The machine answers, and does not do it; what that means is for the caller to say."""

    def __init__(self, refusal: Refusal, body: bytes) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.body = body


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class Isapi:
    """One terminal. Every method raises `MachineTrouble`, in the kinds that the driver interface names."""

    def __init__(self, host: str, port: int, settings: HikvisionSettings) -> None:
        self._settings = settings
        self.where = f"{host}:{port}"
        self._base = httpx.URL(scheme="https" if settings.https else "http", host=host, port=port)
        self._client = httpx.AsyncClient(
            verify=_context(settings.certificate) if settings.https else False,
            timeout=httpx.Timeout(settings.answer_within, connect=settings.connect_within),
            limits=httpx.Limits(max_connections=4, keepalive_expiry=20),
            headers={"Accept-Encoding": "identity", "User-Agent": "Muster"},
            trust_env=False,
            follow_redirects=False,
        )
        self._challenge: Challenge | None = None
        self._count = 0
        self._understood = False

    async def aclose(self) -> None:
        """Let go."""
        await self._client.aclose()

    async def greet(self) -> None:
        """See that a web server is there, without telling it who we are."""
        async with self._sent("GET", DEVICE, signed=False):
            pass

    async def device(self) -> Device:
        """Which machine this is."""
        body = await self._told("GET", DEVICE, "who it is")
        device = device_of(body)
        if device is None:
            raise ProtocolBroken("what it tells of itself cannot be read: it is no ISAPI", evidence=body[:SHOWN])
        return device

    async def time(self) -> Wall:
        """What its clock shows."""
        body = await self._told("GET", TIME, "its time")
        wall = time_of(body)
        if wall is None:
            raise ProtocolBroken("its clock cannot be read", evidence=body[:SHOWN])
        return wall

    async def set_time(self, wall: Callable[[], datetime]) -> str:
        """Have its clock show what `wall` says when it is sent; why it does not, in a sentence, else nothing.

        Its zone stays as it is, and a clock that it keeps by itself is left alone.
        """
        body = await self._told("GET", TIME, "its time")
        mode = time_mode(body)
        if mode.casefold() != MANUAL:
            return f"it keeps its time by {mode or 'itself'}: see in its menu, under Time, why that is wrong"
        document = showing(body, wall())
        if document is None:
            return "what it tells of its time is in no form that could be sent back"
        try:
            await self._ask("PUT", TIME, document)
        except Refused as refused:
            return f"it refuses that to our user {self._settings.username!r} ({refused.refusal})"
        return ""

    async def page_limit(self) -> int:
        """How many events it gives at once; the usual number where it does not say."""
        try:
            return page_limit(tree_of(await self._ask("GET", CAPABILITIES)))
        except (Refused, NoDocument):
            return page_limit({})

    async def page(self, question: Mapping[str, Any], *, position: int) -> Page:
        """A page of its log.

        Raises:
            Refused: it does not take this question.
        """
        body = await self._ask("POST", PATH, json.dumps(question).encode())
        try:
            page = page_of(tree_of(body), position=position)
        except NoDocument as error:
            raise Garbled(f"a page of its log cannot be read: {error}", evidence=body[:SHOWN]) from error
        if page is None:
            raise ProtocolBroken("it answers the question for its log with something else", evidence=body[:SHOWN])
        return page

    async def search(self, path: str, question: Mapping[str, Any]) -> Tree:
        """The answer to a question about its people. It may hold passwords: it is no evidence, whatever it says.

        Raises:
            Refused: it does not take this question.
        """
        try:
            return tree_of(await self._ask("POST", path, json.dumps(question).encode()))
        except NoDocument as error:
            raise Garbled(f"its answer about its users cannot be read: {error}") from error
        except MachineTrouble as trouble:
            trouble.evidence = b""
            raise

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its endless stream, as bytes.

        Raises:
            Refused: it has none, or none left.
        """
        async with self._sent("GET", STREAM, endless=True) as response:
            if response.status_code != 200:
                body = await self._body(response, "its stream of events")
                raise Refused(_refusal(response.status_code, body), body)
            yield response.aiter_raw()

    def translated(self, error: Exception, asked: str) -> Exception:
        """An error of the stream in our words."""
        return trouble_of(
            error,
            where=self.where,
            asked=asked,
            connect_within=self._settings.connect_within,
            answer_within=self._settings.answer_within,
        )

    async def _told(self, method: str, path: str, what: str) -> bytes:
        try:
            return await self._ask(method, path)
        except Refused as refused:
            raise not_allowed(self._settings.username, refused.refusal, what) from refused

    async def _ask(self, method: str, path: str, content: bytes | None = None) -> bytes:
        """The body of an answer; asked again where the machine is busy, or had hung up between two requests."""
        for pause in (*BUSY_PAUSES, None):
            answered = await self._asked(method, path, content)
            refusal = refusal_of(answered.status, answered.body)
            if refusal is None:
                return answered.body
            if refusal.code.casefold() != "devicebusy" and answered.status != 503:
                raise Refused(refusal, answered.body)
            if pause is not None:
                await asyncio.sleep(pause)
        raise Unreachable(f"the machine says that it is busy, again and again: {refusal}")

    async def _asked(self, method: str, path: str, content: bytes | None) -> _Answer:
        for last in (False, True):
            try:
                async with asyncio.timeout(self._settings.connect_within + self._settings.answer_within):
                    async with self._sent(method, path, content) as response:
                        return _Answer(response.status_code, await self._body(response, _short(path)))
            except Unreachable as trouble:
                # A connection that was kept may have been closed meanwhile; all questions may be asked twice.
                if last or not isinstance(trouble.__cause__, httpx.HTTPError) or not is_hung_up(trouble.__cause__):
                    raise
            except TimeoutError as error:
                raise self.translated(error, _short(path)) from error
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, content: bytes | None = None, *, signed: bool = True, endless: bool = False
    ) -> AsyncIterator[httpx.Response]:
        """The answer to a request, its body unread.

        Raises:
            WrongCredentials: it refuses us; we have not tried the same password twice.
        """
        response = await self._answered(method, path, content, signed=signed, endless=endless)
        try:
            yield response
        finally:
            await response.aclose()

    async def _answered(
        self, method: str, path: str, content: bytes | None, *, signed: bool, endless: bool
    ) -> httpx.Response:
        for attempt in range(NONCES + 1):
            answered = self._challenge if signed else None
            response = await self._send(method, path, content, signature=self._signature(method, path), endless=endless)
            if response.status_code != 401 or not signed:
                return response
            try:
                refused = await self._body(response, _short(path))
            finally:
                await response.aclose()
            challenge = challenge_of(response.headers.get_list("www-authenticate"))
            if challenge is None:
                self._challenge = None
                raise ProtocolBroken(
                    "the machine does not ask for digest authentication, and by any other our password could be read:"
                    " set it to digest in its menu"
                )
            # A right answer to a nonce that has grown old does not count as wrong. One to a nonce that it has just
            # given, and does not call old, is: a second one would only help to lock the account.
            fresh = answered is None or challenge.stale or (attempt == 0 and challenge.nonce != answered.nonce)
            if not fresh or attempt == NONCES:
                self._challenge = None
                raise refused_us(self._settings.username, refused)
            self._challenge, self._count = challenge, 0
        raise AssertionError("the loop returns or raises")

    def _signature(self, method: str, path: str) -> str | None:
        if self._challenge is None:
            return None
        self._count += 1
        return answer(
            self._challenge,
            username=self._settings.username,
            password=self._settings.password,
            method=method,
            uri=path,
            count=self._count,
            cnonce=secrets.token_hex(8),
        )

    async def _send(
        self, method: str, path: str, content: bytes | None, *, signature: str | None, endless: bool
    ) -> httpx.Response:
        headers = {}
        if content is not None:
            headers["Content-Type"] = "application/xml" if content.lstrip().startswith(b"<") else "application/json"
        if signature is not None:
            headers["Authorization"] = signature
        timeout = self._client.timeout
        if endless:  # its silence is for whoever reads it to judge
            timeout = httpx.Timeout(self._settings.answer_within, connect=self._settings.connect_within, read=None)
        request = self._client.build_request(
            method, self._base.join(path), content=content, headers=headers, timeout=timeout
        )
        try:
            async with asyncio.timeout(self._settings.connect_within + self._settings.answer_within):
                response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            if isinstance(error, httpx.RemoteProtocolError) and not is_hung_up(error) and not self._understood:
                raise ProtocolBroken(f"what answers at {self.where} does not speak HTTP: {error}") from error
            raise self.translated(error, _short(path)) from error
        self._understood = True
        return response

    async def _body(self, response: httpx.Response, what: str) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.answer_within):
                async for some in response.aiter_raw():
                    body += some
                    if len(body) > LARGEST_ANSWER:
                        raise Garbled(f"its answer to {what} does not end", evidence=bytes(body[:SHOWN]))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise self.translated(error, what) from error
        return bytes(body)


def _refusal(status: int, body: bytes) -> Refusal:
    return refusal_of(status, body) or Refusal(status=status, code="", about="")


def _short(path: str) -> str:
    return path.partition("?")[0].removeprefix("/ISAPI/")


def _context(certificate: str) -> ssl.SSLContext:
    """Terminals sign their certificates themselves: it is the registered one, or any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if certificate:
        context.load_verify_locations(cadata=certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.verify_mode = ssl.CERT_NONE
    return context
