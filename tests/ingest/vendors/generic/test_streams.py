"""The same bytes give the same scans, however they come; and no bytes do harm."""

import random
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.reading import Reading
from services.ingest.vendors.generic.framers import framer
from services.ingest.vendors.generic.frames import Framer
from services.ingest.vendors.generic.framing import Datagrams, Pauses
from services.ingest.vendors.generic.interpreting import Heard, Interpreter
from services.ingest.vendors.generic.profiles import PROFILES
from services.ingest.vendors.generic.settings import GenericSettings, read
from services.ingest.vendors.generic.simulator import Device
from tests.ingest.vendors.flood import broken_frames
from tests.ingest.vendors.generic.combinations import ALL, FRAMINGS, IN_A_STREAM, config, device

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def heard(of: GenericSettings, pieces: Iterable[bytes]) -> list[Heard]:
    framing, interpreter = framer(of.framing), Interpreter(of, UTC_ZONE)
    found = [interpreter.hear(frame, NOW) for piece in pieces for frame in framing.feed(piece)]
    return [*found, *(interpreter.hear(frame, NOW) for frame in framing.idle())]


def readings(of: GenericSettings, pieces: Iterable[bytes]) -> list[Reading]:
    return [reading for each in heard(of, pieces) for reading in each.readings]


def of_the_log(machine: Device) -> list[tuple[str, datetime, str]]:
    return [(entry.badge, entry.wall, entry.state) for entry in machine.entries]


def told(found: Sequence[Reading]) -> list[tuple[str, datetime, str]]:
    return [(reading.badge, reading.local_time, reading.state) for reading in found]


def name(pair: tuple[str, str]) -> str:
    return " / ".join(pair)


@pytest.mark.parametrize("pair", IN_A_STREAM, ids=name)
def test_a_stream_gives_the_same_scans_however_it_is_split(pair: tuple[str, str]) -> None:
    machine = device(config(*pair), 5)
    of = machine.settings
    stream = b"".join(machine.frame(entry) for entry in machine.entries)
    whole = readings(of, [stream])
    assert told(whole) == of_the_log(machine)
    assert readings(of, [stream[at : at + 1] for at in range(len(stream))]) == whole
    for at in range(1, len(stream)):
        assert readings(of, [stream[:at], stream[at:]]) == whole


@pytest.mark.parametrize("pair", [pair for pair in ALL if pair not in IN_A_STREAM], ids=name)
def test_each_datagram_and_all_up_to_a_pause_are_a_frame(pair: tuple[str, str]) -> None:
    machine = device(config(*pair))
    of = machine.settings
    found = [reading for entry in machine.entries for reading in readings(of, [machine.frame(entry)])]
    assert told(found) == of_the_log(machine)
    if isinstance(of.framing, Pauses):
        frame = machine.frame(machine.entries[0])
        split = [readings(of, [frame[:at], frame[at:]]) for at in range(1, len(frame))]
        assert all(each == found[:1] for each in split)


@pytest.mark.parametrize("profile", PROFILES)
def test_ready_made_profiles_read_what_they_promise(profile: str) -> None:
    machine = device({"profile": profile})
    frames = [machine.frame(entry) for entry in machine.entries]
    pieces = frames if isinstance(machine.settings.framing, Datagrams) else [b"".join(frames)]
    found, tells_state = told(readings(machine.settings, pieces)), machine.settings.fields.state is not None
    assert found == [(badge, at, state if tells_state else "") for badge, at, state in of_the_log(machine)]


def frames_and_rubbish(framing: str) -> st.SearchStrategy[bytes]:
    """Frames, broken ones, and what is none, one after the other."""
    of = config(framing, "json")
    of["framing"]["longest"] = 250
    machine = device(of, 4)
    frames = [machine.frame(entry) for entry in machine.entries]
    broken = [frame[:-3] for frame in frames] + [frame[5:] for frame in frames] + [frames[0].replace(b"0", b"\x02")]
    marks = st.lists(st.sampled_from([b"\x02", b"\x03", b"\x10", b"$$", b"\r", b"\n", b"{", b"}", b'"', b"\\", b"\0"]))
    some = st.one_of(
        st.sampled_from(frames),
        st.sampled_from(broken),
        st.binary(max_size=40),
        marks.map(b"".join),
        st.just(b"X" * 400),
    )
    return st.lists(some, max_size=8).map(b"".join)


@pytest.mark.parametrize("framing", [each for each in FRAMINGS if each not in ("datagrams", "pauses")])
def test_rubbish_between_frames_is_the_same_rubbish_however_it_is_split(framing: str) -> None:
    of = config(framing, "json")
    of["framing"]["longest"] = 250
    settings_ = read(of)

    @settings(max_examples=60, deadline=None)
    @given(stream=frames_and_rubbish(framing), chance=st.randoms(use_true_random=False))
    def holds(stream: bytes, chance: random.Random) -> None:
        whole = heard(settings_, [stream])
        assert heard(settings_, [stream[at : at + 1] for at in range(len(stream))]) == whole
        cuts = sorted(chance.choices(range(len(stream) + 1), k=6))
        assert heard(settings_, [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]) == whole

    holds()


@pytest.mark.parametrize("framing", ["lines", "enclosed, xor", "json", "length prefixed, a start, ccitt"])
def test_after_something_that_is_too_long_the_next_frame_is_read(framing: str) -> None:
    machine = device(config(framing, "json"), 3)
    first, second, third = (machine.frame(entry) for entry in machine.entries)
    if framing.startswith("length"):
        much = b"\xaa\x55\0\xff\xff\xff\x7f" + b"X" * 5_000
    elif framing == "json":
        much = b'{"name":"' + b"X" * 5_000 + b'"}'
    else:
        much = first[:1].replace(b"{", b"X") + b"X" * 5_000 + (b"\n" if framing == "lines" else b"")
    found = heard(machine.settings, [first + much + second + third])
    assert told([reading for each in found for reading in each.readings]) == of_the_log(machine)
    reasons = [record.reason for each in found for record in each.unreadable]
    assert any("more than" in reason or "claims to have" in reason for reason in reasons)


def test_a_lying_length_without_a_start_ends_what_can_be_read() -> None:
    machine = device(config("length prefixed", "json"), 2)
    first, second = (machine.frame(entry) for entry in machine.entries)
    found = heard(machine.settings, [first + b"\xff\xff" + second])
    assert [len(each.readings) for each in found] == [1, 0]
    assert found[-1].lost


def test_a_brace_in_a_string_of_json_is_no_end() -> None:
    of = read({"framing": {"kind": "json"}})
    first = b'{"badge":"7","time":"2026-01-05 08:00:00","door":{"name":"}]\\"{"}}'
    stream = first + b' ,[{"badge":"8","time":"2026-01-05 08:00:01"}]'
    assert [reading.badge for reading in readings(of, [stream])] == ["7", "8"]


# What no machine would send


def mutilated(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    frame = bytearray(chance.choice(frames))
    kind = chance.random()
    if kind < 0.4:
        frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
    elif kind < 0.6:
        del frame[chance.randrange(len(frame)) :]
    elif kind < 0.8:
        at = chance.randrange(len(frame))
        frame[at:at] = chance.randbytes(chance.randrange(20))
    else:
        return chance.randbytes(chance.randrange(80))
    return bytes(frame)


def flooded(
    framing: Framer, interpreter: Interpreter, chance: random.Random, frames: Sequence[bytes], times: int
) -> int:
    most = 0
    for _ in range(times):
        for piece in framing.feed(mutilated(chance, frames)):
            interpreter.hear(piece, NOW)
        most = max(most, framing.pending)
    return most


@pytest.mark.slow
@broken_frames
def test_random_and_mutated_frames_neither_crash_nor_hang_nor_fill_memory(frames: int) -> None:
    chance, times = random.Random(6), frames // len(ALL) + 1
    memory, began = psutil.Process().memory_info().rss, time.process_time()
    for pair in ALL:
        machine = device(config(*pair), 50)
        of = machine.settings
        whole = [machine.frame(entry) for entry in machine.entries]
        most = flooded(framer(of.framing), Interpreter(of, UTC_ZONE), chance, whole, times)
        assert most <= of.framing.longest + 200
    assert psutil.Process().memory_info().rss - memory < 20_000_000
    assert time.process_time() - began < 30


CATASTROPHIC: list[Any] = [
    r"(?P<badge>(a+)+)$",
    r"(?P<badge>(a|aa)+)$",
    r"(?P<badge>(.*)(.*)(.*)(.*)(.*)=)",
    r"(?P<badge>(x+x+)+y)",
]


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_catastrophic_pattern_takes_no_time(pattern: str) -> None:
    of = read({"framing": {"kind": "lines", "longest": 65_536}, "decoding": {"kind": "pattern", "pattern": pattern},
               "fields": {"time": None, "state": None, "verify": None, "sequence": None},
               "ignore": [pattern], "acknowledge": None})  # fmt: skip
    began = time.process_time()
    found = heard(of, [b"a" * 30_000 + b"x" * 30_000 + b"!\n"])
    assert time.process_time() - began < 0.5
    assert len(found) == 1
