"""Requests to a BioStar server: logged in, bounded, and changing nothing there."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from services.ingest.application.drivers import Garbled, MachineTrouble, ProtocolBroken, Unreachable, WrongCredentials
from services.ingest.vendors.suprema.address import Address
from services.ingest.vendors.suprema.documents import (
    EVENT_ROWS,
    GOOD,
    LOGIN_REQUIRED,
    USER_ROWS,
    Document,
    NoDocument,
    Said,
    document_of,
    rows_of,
    said_in,
)
from services.ingest.vendors.suprema.refusals import Refusals
from services.ingest.vendors.suprema.troubles import SHOWN, is_hung_up, trouble_of

LOGIN: Final = "/api/login"
SEARCH: Final = "/api/events/search"
START: Final = "/api/events/start"
USERS: Final = "/api/users"
SOCKET: Final = "/wsapi"
SESSION: Final = "bs-session-id"
LARGEST_ANSWER: Final = 1 << 24
"""Bytes. A row has about a thousand."""
AT_ONCE: Final = 4
"""Requests to one server."""


class Refused(Exception):
    """The server answers, and does not do it; what that means is for the caller to say."""

    def __init__(self, said: Said, body: bytes) -> None:
        super().__init__(str(said))
        self.said = said
        self.body = body


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    document: Document
    body: bytes
    session: str
    date: datetime | None

    @property
    def said(self) -> Said | None:
        return said_in(self.document)

    @property
    def wants_login(self) -> bool:
        return self.status == 401 or (self.said is not None and self.said.code == LOGIN_REQUIRED)


class Biostar:
    """One server. Every method raises `MachineTrouble`, in the kinds that the driver interface names."""

    def __init__(self, address: Address, refusals: Refusals) -> None:
        self.address = address
        self.tls = _context(address) if address.https else None
        self.session_changed: Callable[[], None] = lambda: None
        """Called after a login that followed another one: a socket that was bound to that is deaf now."""
        self.date: datetime | None = None
        """The server's clock, as it told it last."""
        self._refusals = refusals
        self._session = ""
        self._understood = False
        self._logging_in = asyncio.Lock()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(
            base_url=httpx.URL(scheme="https" if address.https else "http", host=address.host, port=address.port),
            verify=self.tls if self.tls is not None else False,
            timeout=httpx.Timeout(address.answer_within, connect=address.connect_within),
            limits=httpx.Limits(max_connections=AT_ONCE + 1, keepalive_expiry=20),
            headers={"User-Agent": "Muster", "Accept-Encoding": "identity"},
            trust_env=False,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        """Let go."""
        await self._client.aclose()

    async def greet(self) -> None:
        """See that a web server is there, without telling it who we are."""
        try:
            await self._asked(START, {}, session="")
        except ProtocolBroken:
            raise
        except Garbled as error:
            raise ProtocolBroken(f"{self.address.where} is no BioStar server: {error.message}") from error

    async def session(self, *, after: str = "") -> str:
        """Our session, logged in where there is none but `after`, which has expired.

        Raises:
            WrongCredentials: the login is refused, or was within the last half hour: it is not tried again.
        """
        async with self._logging_in:
            if self._session and self._session != after:
                return self._session
            before, self._session = self._session, ""
            self._session = await self._login()
            if before:
                self.session_changed()
            return self._session

    async def search(self, question: Mapping[str, Any]) -> Sequence[Document]:
        """The rows that are found.

        Raises:
            Refused: it does not take this question.
        """
        return rows_of((await self._ask(SEARCH, question)).document, EVENT_ROWS)

    async def users(self, *, offset: int, most: int) -> Sequence[Document]:
        """A part of the server's people. They may hold what nobody should know: take what is wanted, and let go.

        Raises:
            Refused: it does not tell.
        """
        try:
            answer = await self._ask(f"{USERS}?limit={most}&offset={offset}&order_by=user_id:false", None)
        except MachineTrouble as trouble:
            trouble.evidence = b""
            raise
        return rows_of(answer.document, USER_ROWS)

    async def start_events(self) -> str:
        """Have events told to the socket of our session; which session that was in the end."""
        try:
            return (await self._ask(START, {})).session
        except Refused as refused:
            raise Garbled(f"the BioStar server does not begin to tell events: {refused.said}") from refused

    async def _login(self) -> str:
        self._refusals.check(self.address)
        name = self.address.username
        asked = {"User": {"login_id": name, "password": self.address.password}}
        try:
            answer = await self._asked(LOGIN, asked, session="", is_login=True)
        except Garbled as error:
            if self._understood:
                raise
            said_else = f"what answers at {self.address.where} is no BioStar 2 server: {error.message}"
            raise ProtocolBroken(said_else, evidence=error.evidence) from error
        said = answer.said
        if answer.status in (404, 405):
            raise ProtocolBroken(f"{self.address.where} is no BioStar 2 server: it knows no {LOGIN}")
        if answer.status >= 500:
            raise Unreachable(f"the BioStar server stumbles over our login (HTTP status {answer.status})")
        if answer.status >= 400 or (said is not None and said.code != GOOD):
            refused = _refused(name, answer.status, said)
            self._refusals.note(self.address, refused)
            raise refused
        if not answer.session:
            said_nothing = "it answers our login without a session: it is no BioStar 2 server"
            raise ProtocolBroken(said_nothing, evidence=answer.body)
        self._refusals.forget(self.address)
        self._understood = True
        return answer.session

    async def _ask(self, path: str, question: Mapping[str, Any] | None) -> _Answer:
        """The answer; after another login where the session has expired, once."""
        session = await self.session()
        answer = await self._asked(path, question, session=session)
        if answer.wants_login:
            session = await self.session(after=session)
            answer = await self._asked(path, question, session=session)
        said = answer.said
        if answer.wants_login:
            raise Garbled("the BioStar server lets us log in, and takes our session for none")
        if answer.status == 403:
            name = self.address.username
            raise WrongCredentials(
                f"the BioStar server does not let our user {name!r} ask: {said or 'HTTP status 403'}"
            )
        if answer.status >= 500:
            raise Garbled(f"the BioStar server stumbles over {_short(path)} (HTTP status {answer.status})")
        if answer.status >= 400 or (said is not None and said.code != GOOD):
            raise Refused(said or Said(f"HTTP {answer.status}", ""), answer.body)
        if said is None:
            raise Garbled("the BioStar server answers without saying how it went", evidence=answer.body)
        return _Answer(answer.status, answer.document, answer.body, session, answer.date)

    async def _asked(
        self, path: str, question: Mapping[str, Any] | None, *, session: str, is_login: bool = False
    ) -> _Answer:
        content = json.dumps(question).encode() if question is not None else None
        # The lock of logins is held by whoever waits here for one, so that a login needs no turn.
        if is_login:
            return await self._sent(path, content, session)
        async with self._turns:
            try:
                return await self._sent(path, content, session)
            except _HungUp:
                return await self._sent(path, content, session)

    async def _sent(self, path: str, content: bytes | None, session: str) -> _Answer:
        headers = {"Content-Type": "application/json"}
        if session:
            headers[SESSION] = session
        body = bytearray()
        try:
            async with asyncio.timeout(self.address.connect_within + self.address.answer_within):
                method = "POST" if content is not None else "GET"
                async with self._client.stream(method, path, content=content, headers=headers) as response:
                    async for some in response.aiter_raw():
                        body += some
                        if len(body) > LARGEST_ANSWER:
                            raise Garbled("the answer of the BioStar server does not end", evidence=bytes(body[:SHOWN]))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            trouble = self.translated(error, _short(path))
            raise (_HungUp(trouble.message) if is_hung_up(error) else trouble) from error
        finally:
            # Cookies would tell of an old session beside the header that tells of the new one.
            self._client.cookies.clear()
        return self._read(path, response, bytes(body))

    def _read(self, path: str, response: httpx.Response, body: bytes) -> _Answer:
        self.date = _date(response.headers.get("Date", "")) or self.date
        try:
            document = document_of(body) if body.strip() else {}
        except NoDocument as error:
            if response.status_code < 400:
                raise Garbled(f"its answer to {_short(path)} cannot be read: {error}", evidence=body[:SHOWN]) from error
            document = {}
        session = response.headers.get(SESSION, "") or _cookie(response)
        return _Answer(response.status_code, document, body[:SHOWN], session, self.date)

    def translated(self, error: Exception, asked: str) -> MachineTrouble:
        """An error of a library in our words."""
        return trouble_of(
            error,
            where=self.address.where,
            asked=asked,
            pinned=bool(self.address.certificate),
            connect_within=self.address.connect_within,
            answer_within=self.address.answer_within,
        )


class _HungUp(Unreachable):
    """It closed a connection that had stood idle, or just now: asked again at once."""


def _refused(name: str, status: int, said: Said | None) -> WrongCredentials:
    why = str(said) if said is not None else f"HTTP status {status}"
    if said is not None and "lock" in said.message.casefold():
        return WrongCredentials(f"the BioStar server has locked our user {name!r}: {why}")
    return WrongCredentials(f"the BioStar server refuses our user {name!r} or its password: {why}")


def _short(path: str) -> str:
    return path.partition("?")[0]


def _cookie(response: httpx.Response) -> str:
    """The session of versions that tell it in a cookie only."""
    told = {cookie.name: cookie.value or "" for cookie in response.cookies.jar}
    return told.get(SESSION) or told.get("be-session-id", "")


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None


def _context(address: Address) -> ssl.SSLContext:
    """By authorities that the system knows, by the registered certificate, or, where a person says so, not at all."""
    if address.verify and not address.certificate:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A certificate that a server signed itself carries a name that nobody calls it by; being that one is enough.
    context.check_hostname = False
    if address.certificate:
        context.load_verify_locations(cadata=address.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.verify_mode = ssl.CERT_NONE
    return context
