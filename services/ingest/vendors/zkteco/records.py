"""The log of a machine: records of 8, 16, 40, 49 or any more bytes, told apart by what stands in them. Pure.

The size of a record is nowhere said. The set's size divided by the machine's count would be it, but those are two
answers between which somebody may have scanned. So the contents decide: a size is right if what it cuts out looks
like records. Source: PROTOCOLS §1.8–1.9.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.zkteco.clock import NoSuchTime, unpacked
from services.ingest.vendors.zkteco.states import scan_type

ALIKE: Final = 0.98
"""Which part of a set must look like records for its form to be taken for known."""
LOOKED_AT: Final = 500
"""Records of a large set that are looked at, spread over all of it."""
AHEAD: Final = timedelta(days=2)
"""A time further ahead of the machine's own clock speaks against a form; such records are still read."""


NOBODY: Final = "uid:"
"""Before the internal number of a user whom the machine has deleted, in a badge."""


class Record(NamedTuple):
    """One record, cut but not judged. A tuple, because a log has a hundred thousand."""

    user: str
    """The user id; empty where the record has none but the machine's internal number."""
    uid: int | None
    verify: int
    state: int
    time: int
    work_code: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A way in which records are laid out."""

    name: str
    size: int
    read: Callable[[bytes], Record | None]
    """None where the bytes cannot be a record of this form."""


class UnknownForm(ValueError):
    """The set is laid out in no way that is known; its bytes are to be kept."""


_A = struct.Struct("<HBIB")
_B = struct.Struct("<HBBI")
_SIXTEEN = struct.Struct("<IIBBHI")
_FORTY = struct.Struct("<H24sBIBI4x")
_MOST_WORK_CODE: Final = 99_999_999
"""Eight digits. A time is more, from 2003 on."""
_SHORT_STATES: Final = frozenset({*range(16), 255})
"""Where the states of 8-byte records would be others, something else stands there."""


def _eight_a(raw: bytes) -> Record | None:
    uid, verify, time, state = _A.unpack(raw)
    return Record("", uid, verify, state, time, 0, raw) if uid else None


def _eight_b(raw: bytes) -> Record | None:
    uid, verify, state, time = _B.unpack(raw)
    return Record("", uid, verify, state, time, 0, raw) if uid else None


def _sixteen(raw: bytes) -> Record | None:
    user, time, verify, state, reserved, work_code = _SIXTEEN.unpack(raw)
    # Two records of 8 bytes have something where one of 16 has two zeros, or a time where it has a work code.
    fits = user and not reserved and work_code <= _MOST_WORK_CODE
    return Record(str(user), None, verify, state, time, work_code, raw) if fits else None


def _forty(raw: bytes) -> Record | None:
    uid, padded, verify, time, state, work_code = _FORTY.unpack_from(raw)
    user = text_of(padded)
    return Record(user, uid, verify, state, time, work_code, raw) if user else None


@lru_cache(maxsize=20_000)
def text_of(padded: bytes) -> str:
    """The printable ASCII before the first NUL, if after it there are only more of them; else nothing."""
    text, _, rest = padded.partition(b"\0")
    if not text or rest.strip(b"\0") or not text.isascii():
        return ""
    read = text.decode("ascii")
    return read.strip() if read.isprintable() else ""


EIGHT_A: Final = Form("8 bytes, time before state", 8, _eight_a)
EIGHT_B: Final = Form("8 bytes, state before time", 8, _eight_b)
SIXTEEN: Final = Form("16 bytes", 16, _sixteen)


def forty_and_more(size: int) -> Form:
    """The form of 40 bytes, with whatever newer machines put behind them."""
    return Form(f"{size} bytes", size, _forty)


def form_of(data: bytes | memoryview, *, count: int, now: datetime) -> Form:
    """How the records in a set are laid out.

    `count` is what the machine says it holds, for the sentence alone; `now` is the machine's wall time, or ours if that
    is later.

    Raises:
        UnknownForm: none of the known forms fits.
    """
    best: tuple[float, Form] | None = None
    for form in _candidates(len(data)):
        likeness = _likeness(data, form, now)
        if likeness >= ALIKE and (best is None or likeness > best[0]):
            best = likeness, form
            if likeness == 1:
                break
    if best is None:
        suggested = f", {len(data) / count:g} bytes for each of {count:,}" if count else ""
        raise UnknownForm(f"its log has records of a form that is not known: {len(data):,} bytes{suggested}")
    return best[1]


def _candidates(total: int) -> Iterator[Form]:
    """The likely ones first: of two that fit equally, the first is taken.

    The count takes no part: were it off by one in a log of two, one record of 80 bytes would be made of two of 40.
    """
    for size in (40, 49, 16, 8, *range(41, 129)):
        if total % size:
            continue
        if size == 16:
            yield SIXTEEN
        elif size == 8:
            yield EIGHT_A
            yield EIGHT_B
        else:
            yield forty_and_more(size)


def _likeness(data: bytes | memoryview, form: Form, now: datetime) -> float:
    """Which part of a set looks like records of this form: users where users are, times that can be, in order."""
    number = len(data) // form.size
    step = max(1, number // LOOKED_AT)
    places = range(0, number, step)
    bearable = int(len(places) * (1 - ALIKE))
    alike = 0
    before: datetime | None = None
    falls = 0
    for seen, place in enumerate(places):
        if seen - alike > bearable:
            return 0.0
        record = form.read(bytes(data[place * form.size : (place + 1) * form.size]))
        if form.size == 8 and record is not None and record.state not in _SHORT_STATES:
            continue
        time = _plausible(record, now) if record is not None else None
        if time is None:
            # One that fits in all but its time is a record of a machine that had lost its clock.
            alike += record is not None and bool(record.user)
            continue
        alike += 1
        falls += before is not None and time < before
        before = time
    if form.size <= 16 and falls > max(1, len(places) // 20):
        return 0.0  # small records have little but the order of their times to tell them by
    return alike / len(places) if places else 1.0


def _plausible(record: Record, now: datetime) -> datetime | None:
    if not record.time:
        return None  # a field of zeros, rather than the first second of 2000
    try:
        time = unpacked(record.time)
    except NoSuchTime:
        return None
    return time if time <= now + AHEAD else None


Holder = Callable[[int, datetime], str | None]
"""The user id of who had an internal number at a wall time; None where nobody can say."""


def readings(
    data: bytes | memoryview, form: Form, *, first: int, holder: Holder = lambda uid, at: None
) -> Sequence[Reading | Unreadable]:
    """The records in a piece of a set that begins with record number `first`.

    Only the 8-byte form needs a `holder`.
    """
    return [
        _read(bytes(data[start : start + form.size]), form, first + number, holder)
        for number, start in enumerate(range(0, len(data), form.size))
    ]


def _read(raw: bytes, form: Form, position: int, holder: Holder) -> Reading | Unreadable:
    record = form.read(raw)
    if record is None:
        return Unreadable(reason="the record names no user", raw=raw, position=position)
    try:
        wall = unpacked(record.time)
    except NoSuchTime as error:
        return Unreadable(reason=str(error), raw=raw, position=position)
    state = str(record.state)
    return Reading(
        badge=record.user or badge_of(record.uid, wall, holder),
        device_time=wall.isoformat(sep=" "),
        local_time=wall,
        state=state,
        type=scan_type(state),
        verify=str(record.verify),
        work_code=str(record.work_code),
        raw={"record": raw.hex()},
        position=position,
    )


def badge_of(uid: int | None, at: datetime, holder: Holder) -> str:
    """The user id behind an internal number; one that says so where nobody knows whose it was. Nobody is guessed."""
    known = holder(uid or 0, at)
    return known if known is not None else f"{NOBODY}{uid}"
