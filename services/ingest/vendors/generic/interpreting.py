"""From a frame to what the machine says with it. Pure, but for the time that is passed in."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.files.cells import NotReadable, badge_of, shown
from services.ingest.vendors.generic.decoders import Record, decoder, text_of
from services.ingest.vendors.generic.frames import Frame, NoFrame, Piece
from services.ingest.vendors.generic.patterns import Pattern, pattern
from services.ingest.vendors.generic.settings import Answer, GenericSettings
from services.ingest.vendors.generic.templates import filled
from services.ingest.vendors.generic.times import local_time

SHOWN: Final = 1024
"""Characters of a frame that go with its scan."""
SAME_WITHIN: Final = timedelta(seconds=10)
"""Where the time is ours, the same frame within this is the same scan: a machine that had no answer repeats it."""
REMEMBERED: Final = 1_000
LONGEST: Final = 64
"""Characters of a state and the like."""
LONGEST_NUMBER: Final = 20


class Kind(StrEnum):
    """What a frame is."""

    SCANS = "scans"
    HEARTBEAT = "heartbeat"
    ANSWERED = "answered"
    IGNORED = "ignored"
    REFUSAL = "refusal"
    END = "end"
    """It has no more records."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one frame says."""

    kind: Kind
    raw: bytes
    readings: tuple[Reading, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    sequence: int | None = None
    serial: str | None = None
    reply: bytes = b""
    """What the machine is told once all of this is safe."""
    clock_offset: timedelta | None = None
    nothing_waits: bool = False
    lost: bool = False
    """Where the next frame begins cannot be told any more."""


class Interpreter:
    """Understands the frames of one machine."""

    def __init__(self, settings: GenericSettings, zone: ZoneInfo) -> None:
        self._settings = settings
        self._zone = zone
        self._decode = decoder(settings.decoding)
        self._refused = pattern(settings.login.refused) if settings.login and settings.login.refused else None
        self._end = pattern(settings.poll.end) if settings.poll and settings.poll.end else None
        self._answers: list[tuple[Pattern, Answer]] = [(pattern(each.match), each) for each in settings.answers]
        self._ignored = [pattern(each) for each in settings.ignore]
        self._asks_patterns = bool(self._refused or self._end or self._answers or self._ignored)
        self._stamps: OrderedDict[bytes, datetime] = OrderedDict()

    def hear(self, piece: Piece, now: datetime) -> Heard:
        """What a frame says; `now` is an instant."""
        if isinstance(piece, NoFrame):
            return self._damaged(piece)
        if self._asks_patterns and (known := self._known(piece, now)) is not None:
            return known
        try:
            records = self._decode(piece.body)
        except NotReadable as error:
            return self._senseless(piece, str(error))
        return self._scans(piece, records, now)

    def _known(self, frame: Frame, now: datetime) -> Heard | None:
        """What it is, where a pattern says so."""
        text = text_of(self._settings.decoding, frame.body)
        if self._refused is not None and self._refused.found_in(text):
            return Heard(kind=Kind.REFUSAL, raw=frame.raw)
        if self._end is not None and self._end.found_in(text):
            return Heard(kind=Kind.END, raw=frame.raw, nothing_waits=True)
        for found, answer in self._answers:
            if found.found_in(text):
                return Heard(
                    kind=Kind.HEARTBEAT if answer.heartbeat else Kind.ANSWERED,
                    raw=frame.raw,
                    reply=filled(answer.reply, {}) if answer.reply else b"",
                    clock_offset=self._offset(frame, now) if answer.tells_time else None,
                    nothing_waits=answer.nothing_waits,
                )
        if any(found.found_in(text) for found in self._ignored):
            return Heard(kind=Kind.IGNORED, raw=frame.raw)
        return None

    def _offset(self, frame: Frame, now: datetime) -> timedelta | None:
        try:
            told = self._time_text(self._decode(frame.body)[0])
            wall, _ = local_time(told, self._settings.times, self._zone)
        except (NotReadable, IndexError):
            return None
        return wall - now.astimezone(self._zone).replace(tzinfo=None)

    def _scans(self, frame: Frame, records: Sequence[Record], now: datetime) -> Heard:
        readings: list[Reading] = []
        wrong: list[str] = []
        for number, record in enumerate(records, 1):
            try:
                readings.append(self._reading(frame, record, now, alone=len(records) == 1))
            except NotReadable as error:
                wrong.append(f"record {number}: {error}" if len(records) > 1 else str(error))
        first = records[0] if records else {}
        number_text = (self._text(first, self._settings.fields.sequence) or "").strip()
        reply = self._reply(
            {
                "sequence": number_text,
                "badge": readings[0].badge if readings else "",
                "time": readings[0].device_time if readings else "",
                "count": str(len(records)),
            },
            well=not wrong,
        )
        return Heard(
            kind=Kind.SCANS if readings or not wrong else Kind.UNREADABLE,
            raw=frame.raw,
            readings=tuple(readings),
            unreadable=(Unreadable(reason="; ".join(wrong[:10]), raw=frame.raw),) if wrong else (),
            sequence=_number(number_text, self._settings.sequence.base if self._settings.sequence else 10),
            serial=self._text(first, self._settings.fields.serial),
            reply=reply,
        )

    def _reading(self, frame: Frame, record: Record, now: datetime, *, alone: bool) -> Reading:
        fields, trim = self._settings.fields, self._settings.badge
        badge = self._text(record, fields.badge)
        if badge is None:
            raise NotReadable(f"it has no {fields.badge}")
        if trim.strip:
            badge = badge.strip(trim.strip)
        badge = badge_of(badge.removeprefix(trim.prefix).removesuffix(trim.suffix))
        if fields.time is None:
            wall, offset = self._stamp(frame, now), None
            told = wall.isoformat(sep=" ")
        else:
            told = self._time_text(record)
            wall, offset = local_time(told, self._settings.times, self._zone)
        state = self._label(record, fields.state) or ""
        return Reading(
            badge=badge,
            device_time=told,
            local_time=wall,
            offset=offset,
            state=state,
            type=self._settings.directions.get(state, ScanType.UNKNOWN),
            verify=self._label(record, fields.verify),
            work_code=self._label(record, fields.work_code),
            record_no=self._label(record, fields.sequence),
            raw={"frame": text_of(self._settings.decoding, frame.body)[:SHOWN]} if alone else None,
        )

    def _time_text(self, record: Record) -> str:
        names = self._settings.fields.time
        parts = []
        for name in (names,) if isinstance(names, str) else names or ():
            part = self._text(record, name)
            if part is None:
                raise NotReadable(f"it has no {name}")
            parts.append(part)
        return " ".join(parts)

    def _text(self, record: Record, name: str | None) -> str | None:
        if name is None:
            return None
        text = record.get(name)
        return self._settings.constants.get(name) if text is None else text

    def _label(self, record: Record, name: str | None) -> str | None:
        text = self._text(record, name)
        if text is None:
            return None
        text = text.strip()
        if len(text) > LONGEST or not text.isprintable():
            raise NotReadable(f"{name} cannot be {shown(text)}")
        return text

    def _stamp(self, frame: Frame, now: datetime) -> datetime:
        """Our time, for a machine that tells none; the same for the same frame that comes again at once."""
        wall = now.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        key = sha256(frame.body).digest()[:16]
        before = self._stamps.get(key)
        if before is not None and abs(wall - before) <= SAME_WITHIN:
            return before
        self._stamps[key] = wall
        self._stamps.move_to_end(key)
        if len(self._stamps) > REMEMBERED:
            self._stamps.popitem(last=False)
        return wall

    def _damaged(self, piece: NoFrame) -> Heard:
        asks = self._settings.acknowledge
        again = piece.damaged and not piece.lost and asks is not None and asks.nak is not None
        return Heard(
            kind=Kind.UNREADABLE,
            raw=piece.raw,
            unreadable=(Unreadable(reason=piece.reason, raw=piece.raw),),
            reply=self._reply({}, well=False, damaged=True) if again else b"",
            lost=piece.lost,
        )

    def _senseless(self, frame: Frame, reason: str) -> Heard:
        """Whole, and yet no record. Sent again it would be no better: it is kept, and acknowledged."""
        return Heard(
            kind=Kind.UNREADABLE,
            raw=frame.raw,
            unreadable=(Unreadable(reason=reason, raw=frame.raw),),
            reply=self._reply({}, well=False),
        )

    def _reply(self, values: Mapping[str, str], *, well: bool, damaged: bool = False) -> bytes:
        asks = self._settings.acknowledge
        if asks is None:
            return b""
        refuse = damaged or (not well and asks.nak_unreadable)
        template = asks.nak if refuse and asks.nak is not None else asks.ok
        return filled(template, {"sequence": "", "badge": "", "time": "", "count": "0", **values})


def _number(text: str, base: int) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.isalnum() or len(text) > LONGEST_NUMBER:
        return None
    try:
        return int(text, base)
    except ValueError:
        return None
