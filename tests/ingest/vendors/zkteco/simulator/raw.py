"""A client that sees every byte: it is told what to send, and shows what came."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.ingest.vendors.zkteco.simulator import Running
from services.ingest.vendors.zkteco.wire import Packet, decode, frame

WITHIN = 5.0


@dataclass
class Raw:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    session: int = 0
    reply: int = 0

    async def ask(self, code: int, data: bytes = b"") -> Packet:
        """The first packet that comes back."""
        self.say(code, data)
        return await self.packet()

    def say(self, code: int, data: bytes = b"") -> None:
        self.writer.write(frame(Packet(code, self.session, self.reply, data)))
        self.reply += 1

    async def connect(self) -> Packet:
        answer = await self.ask(1000)
        self.session = answer.session
        return answer

    async def packet(self) -> Packet:
        async with asyncio.timeout(WITHIN):
            magic, length = struct.unpack("<4sI", await self.reader.readexactly(8))
            assert magic == b"PP\x82}", magic
            return decode(await self.reader.readexactly(length))

    async def answer(self) -> list[Packet]:
        """Packets up to the OK that ends a chunk."""
        packets = [await self.packet()]
        while packets[-1].code != 2000:
            packets.append(await self.packet())
        return packets

    async def prepare(self, command: int = 13, part: int = 0) -> Packet:
        """Ask for a data set."""
        return await self.ask(1503, struct.pack("<bhii", 1, command, part, 0))

    async def chunk(self, start: int, length: int) -> list[Packet]:
        self.say(1504, struct.pack("<ii", start, length))
        return await self.answer()

    async def download(self, command: int = 13, part: int = 0, *, most: int = 65_472) -> bytes:
        """A data set, with its length before it; events between its packets are passed over."""
        first = await self.prepare(command, part)
        while first.code == 500:
            first = await self.packet()
        if first.code == 1501:
            return first.data
        (total,) = struct.unpack_from("<I", first.data, 1)
        read = b""
        while len(read) < total:
            packets = await self.chunk(len(read), min(most, total - len(read)))
            read += b"".join(packet.data for packet in packets if packet.code == 1501)
        await self.ask(1502)
        return read

    async def rest(self, seconds: float = WITHIN) -> bytes:
        """All that comes until the other side hangs up."""
        async with asyncio.timeout(seconds):
            return await self.reader.read(-1)

    async def silence(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for so long, and nobody hangs up."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def raw(running: Running) -> AsyncIterator[Raw]:
    """A connection that has not said anything yet."""
    reader, writer = await asyncio.open_connection(running.host, running.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
