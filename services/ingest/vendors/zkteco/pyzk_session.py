"""The same machine by `pyzk`, in a thread: for devices where that is known to work, and ours is not.

It reads the whole log whenever the count has changed, or can change no more, and takes no events: its live mode loses
some (PROTOCOLS §1.13). Its errors are translated here, once.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import (
    Contact,
    OtherMachine,
    Phase,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.domain.clock_setting import wall_now
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading
from services.ingest.vendors.zkteco.session import READ_FULL_AFTER, REFUSES, tell_if_cleared, tell_of_room
from services.ingest.vendors.zkteco.settings import ZktecoSettings
from services.ingest.vendors.zkteco.states import scan_type
from shared.kernel.clock import Clock

MOST: Final = 500

T = TypeVar("T")


class _Device:
    """A pyzk client, each call of it in a thread; when the caller is cancelled, its socket is closed under it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(self, work: Callable[[Any], T], *, within: float) -> T:
        from zk import exception

        running = asyncio.get_running_loop().run_in_executor(None, work, self._client)
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(running)
        except TimeoutError as error:
            self.cut()
            raise Unreachable(f"the machine does not answer within {within:g} s") from error
        except asyncio.CancelledError:
            self.cut()
            raise
        except exception.ZKErrorConnection as error:
            raise Unreachable(f"pyzk: {error}") from error
        except exception.ZKNetworkError as error:
            raise Unreachable(f"pyzk: {error}") from error
        except exception.ZKErrorResponse as error:
            if "Unauthenticated" in str(error):
                raise WrongCredentials("the machine refuses our comm key; it is in its menu, under Comm.") from error
            raise ProtocolBroken(f"pyzk: {error}") from error
        except OSError as error:
            raise Unreachable(f"the connection broke: {error.strerror or error}") from error
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, UnboundLocalError, struct.error) as error:
            # How pyzk says that it did not understand: by whatever its code runs into.
            raise ProtocolBroken(f"pyzk cannot read what the machine says: {error!r}") from error

    def cut(self) -> None:
        """End whatever its thread waits for. A pyzk that reads from a dead socket would spin for ever."""
        sock = getattr(self._client, "_ZK__sock", None)
        if sock is not None:
            sock.close()


class PyzkSession:
    """Polls the log."""

    def __init__(
        self, device: _Device, machine: Machine, settings: ZktecoSettings, contact: Contact, clock: Clock
    ) -> None:
        self._device, self._settings, self._contact, self._clock = device, settings, contact, clock
        self._zone = ZoneInfo(machine.zone)
        self._held = machine.records_on_machine

    async def batches(self) -> AsyncIterator[Batch]:
        held: int | None = None
        before = self._held
        looks = 0
        within = self._settings.answer_within
        while True:
            began = self._clock.now()
            if self._contact.clock_is_to_be_set(await self._measure_clock()):
                right = wall_now(self._clock.now(), self._zone)
                try:
                    await self._device.call(lambda client, at=right: client.set_time(at), within=within)  # type: ignore[misc]  # bound now, called soon
                except ProtocolBroken:
                    self._contact.clock_set(REFUSES)
                else:
                    self._contact.clock_set()
                await self._measure_clock()
            await self._device.call(lambda client: client.read_sizes(), within=within)
            count, capacity = await self._device.call(lambda c: (c.records, c.rec_cap), within=within)
            looks += 1
            has_room = tell_of_room(self._contact, records=count, capacity=capacity)
            tell_if_cleared(self._contact, records=count, held=before)
            before = count
            reads = count != held or (not has_room and looks > READ_FULL_AFTER)
            if reads:
                looks = 0
                log = await self._device.call(lambda client: client.get_attendance(), within=max(60.0, 10 * within))
                for start in range(0, len(log), MOST):
                    piece = [
                        _reading(record, start + number) for number, record in enumerate(log[start : start + MOST])
                    ]
                    self._contact.alive()
                    yield Batch(readings=piece, mode=Mode.REPLAY, received_at=self._clock.now())
                held = count
                self._contact.counts(records=count, capacity=capacity or None, received=min(len(log), count))
            self._contact.alive()
            if reads or has_room:
                yield Batch(readings=(), mode=Mode.LIVE, received_at=began, complete_until=began)
            self._contact.phase(Phase.LIVE)
            await asyncio.sleep(self._settings.look_every)

    async def _measure_clock(self) -> timedelta:
        """The machine's clock minus ours, as told."""
        asked = self._clock.now()
        wall = await self._device.call(lambda client: client.get_time(), within=self._settings.answer_within)
        offset: timedelta = wall.replace(tzinfo=self._zone).astimezone(UTC) - asked
        self._contact.clock(offset)
        return offset

    async def acknowledge(self, batch: Batch) -> None:
        """Nothing to move: the log is read whole."""


@asynccontextmanager
async def open_with_pyzk(
    host: str, port: int, *, machine: Machine, settings: ZktecoSettings, contact: Contact, clock: Clock
) -> AsyncIterator[PyzkSession]:
    """A session by pyzk. Raises as the driver's own."""
    from zk import ZK

    within = settings.answer_within
    # Without its ping, which is a program that may be missing, and without its first connection that tries the port.
    client = ZK(host, port=port, timeout=round(within) or 1, password=settings.comm_key, ommit_ping=True)
    client.helper.test_tcp = lambda: 0
    device = _Device(client)
    await device.call(lambda c: c.connect(), within=settings.connect_within + within)
    try:
        serial = await device.call(lambda c: c.get_serialnumber(), within=within)
        if machine.serial and serial not in {machine.serial, *machine.aliases}:
            raise OtherMachine(
                f"another machine answers at {machine.ip_address}: serial number {serial}, where {machine.serial} is"
                " registered"
            )
        yield PyzkSession(device, machine, settings, contact, clock)
    finally:
        device.cut()


def _reading(record: Any, position: int) -> Reading:
    wall = record.timestamp.replace(microsecond=0)
    state = str(record.punch)
    return Reading(
        badge=str(record.user_id),
        device_time=wall.isoformat(sep=" "),
        local_time=wall,
        state=state,
        type=scan_type(state),
        verify=str(record.status),
        raw={"uid": record.uid, "driver": "pyzk"},
        position=position,
    )
