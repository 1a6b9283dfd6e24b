"""Talking to a machine over any transport: a request at a time, its answer found among whatever else comes."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final

from services.ingest.application.drivers import Garbled, ProtocolBroken, Unreachable
from services.ingest.vendors.zkteco.wire import MAY_BE_SENT, SETS_CLOCK, Code, Packet

LETS_GO_WITHIN: Final = 1.0
NUMBERS: Final = 65_535
"""Reply numbers: 0 to 65534, then again."""
SHOWN: Final = 2_048
"""Bytes kept of what cannot be understood."""


class Exchange(ABC):
    """Packets out and in. One coroutine at a time uses it.

    Events may come at any moment, between a request and its answer and in the middle of a download: they go to
    `on_event`, in their order. Answers that come too late for their request are discarded by their number.

    Every method raises:
        Unreachable: the machine is gone, or does not answer in time.
        ProtocolBroken: it never said a packet; `evidence` holds what it said.
        Garbled: it did, and then said something else.
    """

    in_order: ClassVar[bool]
    """Whether packets come in the order in which they were sent, each once, or not at all."""

    def __init__(
        self, *, answer_within: float, on_event: Callable[[Packet], None], on_unsound: Callable[[str], None]
    ) -> None:
        """`on_unsound` is told of packets that came damaged, in a sentence that says what became of them."""
        self._within = answer_within
        self._on_event, self._on_unsound = on_event, on_unsound
        self._answers: deque[Packet] = deque()
        self._number = NUMBERS - 1
        self._asked = Packet(Code.CONNECT, 0, 0)
        self.session = 0

    async def ask(self, code: Code, data: bytes = b"", *, once: bool = False) -> Packet:
        """Send a request; its answer, or the first part of it.

        Where packets get lost it is said again after a while; not where `once` says that a second answer would be
        mistaken for parts of the first.
        """
        assert code in MAY_BE_SENT | SETS_CLOCK  # noqa: S101 - a command that could harm a machine is a mistake of ours
        self._answers.clear()
        await self._send(self._numbered(code, data))
        return await self._answer(once=once)

    async def more(self, *, once: bool = False) -> Packet:
        """The next part of the same answer."""
        return await self._answer(once=once)

    async def acknowledge_event(self) -> None:
        """Tell the machine that an event was taken; it answers nothing."""
        await self._send(Packet(Code.OK, self.session, 0))

    async def listen(self, seconds: float) -> bool:
        """Take what comes of itself, until something came or the time is up; whether something did."""
        came = await self._receive(asyncio.get_running_loop().time() + seconds)
        self._answers.clear()  # nothing was asked
        return came

    async def close(self) -> None:
        """Let go, with a goodbye where it can be said."""
        with contextlib.suppress(Unreachable, ProtocolBroken, Garbled, TimeoutError):
            async with asyncio.timeout(LETS_GO_WITHIN):
                if self.session:
                    await self.ask(Code.EXIT)
        await self._let_go()

    async def _answer(self, *, once: bool) -> Packet:
        deadline = asyncio.get_running_loop().time() + self._within
        while not self._answers:
            if not await self._receive(deadline):
                raise Unreachable(self._silence())
        return self._answers.popleft()

    def _numbered(self, code: int, data: bytes) -> Packet:
        """A request with a number of its own: only answers with that one are answers to it."""
        self._number = (self._number + 1) % NUMBERS
        self._asked = Packet(code, self.session, self._number, data)
        return self._asked

    def _silence(self) -> str:
        return f"the machine does not answer {Code(self._asked.code).name} within {self._within:g} s"

    def _route(self, packet: Packet) -> None:
        if packet.code == Code.EVENT:
            self._on_event(packet)
        elif packet.reply == self._number:
            self._answers.append(packet)

    @abstractmethod
    async def _send(self, packet: Packet) -> None:
        """Have a packet leave."""

    @abstractmethod
    async def _receive(self, deadline: float) -> bool:
        """Take in and `_route` whatever came; false where nothing came in time."""

    @abstractmethod
    async def _let_go(self) -> None:
        """Nothing more will be said or heard."""
