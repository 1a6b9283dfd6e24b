"""A terminal that calls: each event goes to its httpHosts, in order, and again until it is taken. Source: §4.7."""

import asyncio
import contextlib
from collections import deque
from typing import Final, Literal

from services.ingest.vendors.hikvision.simulator.device import Device, Entry, Host
from services.ingest.vendors.hikvision.simulator.encoding import JPEG, as_json, as_xml, event, heartbeat, part

Form = Literal["json", "multipart", "xml", "multipart-xml"]
AGAIN_AFTER: Final = 1.0
TAKEN_WITHIN: Final = 10.0
LONGEST_ANSWER: Final = 65_536


class Pusher:
    """One slot. Events wait here until they are taken; the answers that came are kept."""

    def __init__(self, device: Device, host: Host, *, form: Form, again_after: float = AGAIN_AFTER) -> None:
        self.host = host
        self.form = form
        self.answers: list[int] = []
        """The statuses of the answers, in order; 0 where none came."""
        self.waiting: deque[tuple[Entry, bool]] = deque()
        self._device = device
        self._again_after = again_after
        self._something = asyncio.Event()
        # What it has in its log is told first, as new to whoever is there now.
        for entry in device.entries:
            self.tell(entry, stored=True)

    def tell(self, entry: Entry, *, stored: bool = False) -> None:
        """Have this told."""
        self.waiting.append((entry, stored))
        self._something.set()

    async def run(self) -> None:
        """Push until cancelled."""
        while True:
            self._something.clear()
            while self.waiting:
                entry, stored = self.waiting[0]
                if await self._push(as_event(self._device, entry, form=self.form, stored=stored)):
                    self.waiting.popleft()
                else:
                    await asyncio.sleep(self._again_after)
            await self._something.wait()

    async def beat(self) -> bool:
        """Say that it is there; whether that was taken."""
        return await self._push(("application/json", as_json(heartbeat(self._device))))

    async def _push(self, said: tuple[str, bytes]) -> bool:
        kind, body = said
        status = 0
        with contextlib.suppress(OSError, TimeoutError, ValueError, IndexError):
            async with asyncio.timeout(TAKEN_WITHIN):
                status = await posted(self.host, kind, body)
        self.answers.append(status)
        return status == 200


def as_event(device: Device, entry: Entry, *, form: Form, stored: bool = False) -> tuple[str, bytes]:
    """The type and the body of a push."""
    told = event(entry, device, stored=stored)
    written = as_xml(told) if form.endswith("xml") else as_json(told)
    if form == "json":
        return "application/json", written
    if form == "xml":
        return "application/xml", written
    # Some firmware does not say what the part is.
    parts = part(written, None, length=False, name="event_log") + part(JPEG, "image/jpeg", name="Picture")
    return "multipart/form-data; boundary=MIME_boundary", parts + b"--MIME_boundary--\r\n"


async def posted(host: Host, kind: str, body: bytes) -> int:
    """The status of the answer to a POST.

    Raises:
        OSError, ValueError, IndexError: nobody is there, or no answer came.
    """
    reader, writer = await asyncio.open_connection(host.host, host.port)
    try:
        head = f"POST {host.path} HTTP/1.1\r\nHost: {host.host}:{host.port}\r\nContent-Type: {kind}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        return int((await reader.read(LONGEST_ANSWER)).split(b" ")[1])
    finally:
        writer.close()
