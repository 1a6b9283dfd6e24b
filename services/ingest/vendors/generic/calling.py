"""A machine that we connect to."""

import asyncio

from services.ingest.application.drivers import Unreachable
from services.ingest.vendors.generic.lines import READ_AT_ONCE, Came, MakesFramer, Peer, StreamPeer


class Calling:
    """One connection; when it ends, so does the contact."""

    alone = True
    always_answers = False

    def __init__(self, peer: StreamPeer) -> None:
        self._peer = peer

    @classmethod
    async def open(cls, host: str, port: int, *, within: float, framer: MakesFramer) -> "Calling":
        """Connect.

        Raises:
            Unreachable: nobody answers.
        """
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(within):
                reader, writer = await asyncio.open_connection(host, port, limit=READ_AT_ONCE)
        except TimeoutError as error:
            raise Unreachable(f"nothing answers at {where} within {within:g} s") from error
        except ConnectionRefusedError as error:
            raise Unreachable(
                f"{where} refuses the connection: the machine is starting, has another port, or is held by other"
                " software"
            ) from error
        except OSError as error:
            raise Unreachable(f"{where} cannot be reached: {error.strerror or error}") from error
        return cls(StreamPeer(reader, writer, framer()))

    async def receive(self, within: float | None) -> Came | None:
        try:
            async with asyncio.timeout(within):
                some = await self._peer.read()
        except TimeoutError:
            return None
        if not some:
            cut = " in the middle of a frame" if self._peer.framer.pending else ""
            raise Unreachable(f"the machine closed the connection{cut}")
        return Came(self._peer, some)

    def at_hand(self) -> Came | None:
        return None  # pieces of a stream are as large as they come

    def peers(self) -> list[Peer]:
        return [self._peer]

    async def close(self) -> None:
        """Hang up."""
        await self._peer.closed()
