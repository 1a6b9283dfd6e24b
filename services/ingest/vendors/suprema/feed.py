"""The socket of a BioStar server, kept open by a task of its own, for all machines behind it.

The order matters (PROTOCOLS §3.4): the socket, our session as its first message, its reply, and only then the request
that begins the events. Events begun before the reply are told to nobody. Whenever the socket stands anew,
`stood` rises, and whoever takes events from here has to look for what happened in between.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from services.ingest.application.drivers import Garbled, MachineTrouble, WrongCredentials
from services.ingest.vendors.suprema.biostar import SESSION, SOCKET, Biostar
from services.ingest.vendors.suprema.documents import GOOD, NoDocument, document_of, said_in
from services.ingest.vendors.suprema.events import Event, told_in
from shared.observability.logs import get_logger

log = get_logger(__name__)

HELD: Final = 20_000
"""Events of a machine that wait to be taken over; what comes on top is left to the search."""
LARGEST_MESSAGE: Final = 1 << 20
PING_EVERY: Final = 20.0
SHORTEST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0


class Ear:
    """The events of one machine, as they are told, until they are taken."""

    def __init__(self, feed: "Feed", device: str) -> None:
        self.device = device
        self.untaken = 0
        """Messages that could not be read, or held: what they tell must be searched for."""
        self._feed = feed
        self._events: deque[Event] = deque()
        self._something = asyncio.Event()

    @property
    def stands(self) -> bool:
        """Whether the socket is open and events are told."""
        return self._feed.stands

    @property
    def stood(self) -> int:
        """How often it has begun to stand."""
        return self._feed.stood

    @property
    def why_not(self) -> str:
        """Why the socket could not be had when it was tried last."""
        return self._feed.why_not

    def reopen(self) -> None:
        """It leaves out events: open it anew."""
        self._feed.reopen()

    def take(self) -> Event | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    async def wait(self, seconds: float) -> bool:
        """Wait until something is told, the socket turns, or the time is up; whether anything was."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()
        heard = self._something.is_set()
        self._something.clear()
        return heard

    def tell(self, event: Event) -> None:
        if len(self._events) >= HELD:
            self.untaken += 1
        else:
            self._events.append(event)
        self._something.set()

    def miss(self) -> None:
        self.untaken += 1
        self._something.set()

    def turn(self) -> None:
        self._something.set()


class Feed:
    """The socket of one server."""

    def __init__(self, biostar: Biostar) -> None:
        self._biostar = biostar
        self._ears: set[Ear] = set()
        self._deadline: asyncio.Timeout | None = None
        self._tried = asyncio.Event()
        self.stands = False
        self.stood = 0
        self.why_not = ""
        biostar.session_changed = self.reopen

    @contextmanager
    def ear(self, device: str) -> Iterator[Ear]:
        """What is told of a machine from now on."""
        ear = Ear(self, device)
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    async def tried(self) -> None:
        """Wait until it stands, or could not be had."""
        await self._tried.wait()

    def reopen(self) -> None:
        """What stands now is deaf."""
        deadline = self._deadline
        if self.stands and deadline is not None and not deadline.expired():
            with contextlib.suppress(RuntimeError):  # it is ending already
                deadline.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Keep it open until cancelled. Whoever searches is told of troubles; here they only make it wait."""
        pause = SHORTEST_PAUSE
        while True:
            before = self.stood
            try:
                await self._stand()
            except MachineTrouble as trouble:
                self.why_not = trouble.message
                if isinstance(trouble, WrongCredentials):
                    pause = LONGEST_PAUSE
            except Exception:
                log.exception("suprema.socket_failed", server=self._biostar.address.where)
                pause = LONGEST_PAUSE
            finally:
                self._turn(stands=False)
            if self.stood > before:
                pause = SHORTEST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _turn(self, *, stands: bool) -> None:
        self.stands = stands
        if stands:
            self.stood += 1
            self.why_not = ""
        self._tried.set()
        for ear in self._ears:
            ear.turn()

    async def _stand(self) -> None:
        address = self._biostar.address
        session = await self._biostar.session()
        scheme = "wss" if address.https else "ws"
        host = f"[{address.host}]" if ":" in address.host else address.host
        try:
            async with connect(
                f"{scheme}://{host}:{address.port}{SOCKET}",
                ssl=self._biostar.tls,
                open_timeout=address.connect_within + address.answer_within,
                ping_interval=PING_EVERY,
                ping_timeout=PING_EVERY,
                close_timeout=0.5,
                max_size=LARGEST_MESSAGE,
                proxy=None,
                user_agent_header="Muster",
            ) as socket:
                await self._bind(socket, session)
                if await self._biostar.start_events() != session:
                    return  # it had expired meanwhile: the socket is bound to nothing
                self._turn(stands=True)
                await self._hear(socket)
        except ConnectionClosed as error:
            raise Garbled("the socket of the BioStar server was closed") from error
        except WebSocketException as error:
            raise Garbled(f"the BioStar server has no socket at {SOCKET}: {error}") from error
        except (TimeoutError, OSError) as error:
            raise self._biostar.translated(error, SOCKET) from error

    async def _bind(self, socket: ClientConnection, session: str) -> None:
        await socket.send(f"{SESSION}={session}")
        async with asyncio.timeout(self._biostar.address.answer_within):
            while True:
                message = await socket.recv()
                try:
                    said = said_in(document_of(message))
                except NoDocument as error:
                    raise Garbled(f"the reply of the socket cannot be read: {error}") from error
                if said is not None and said.code == GOOD:
                    return
                if said is not None:
                    await self._biostar.session(after=session)
                    raise Garbled(f"the socket of the BioStar server does not take our session: {said}")

    async def _hear(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        silent_after = self._biostar.address.silent_after
        try:
            # A socket whose session was taken over stays open and says nothing.
            async with asyncio.timeout(silent_after) as self._deadline:
                async for message in socket:
                    self._take_in(message)
                    with contextlib.suppress(RuntimeError):
                        if (self._deadline.when() or 0) > loop.time():
                            self._deadline.reschedule(loop.time() + silent_after)
        except TimeoutError:
            pass
        finally:
            self._deadline = None

    def _take_in(self, message: str | bytes) -> None:
        try:
            event = told_in(document_of(message))
        except NoDocument:
            for ear in self._ears:
                ear.miss()
            return
        if event is None:
            return
        for ear in self._ears:
            if ear.device == event.device:
                ear.tell(event)
            elif not event.device:
                ear.miss()
