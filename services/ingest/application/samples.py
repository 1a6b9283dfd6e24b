"""Trying out how a machine's bytes are understood, without the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFrame:
    """One frame of a sample."""

    raw: bytes
    kind: str
    """What it was taken for: scans, heartbeat, ignored, unreadable …"""
    readings: Sequence[Reading] = ()
    problems: Sequence[str] = ()
    """Why it, or a part of it, cannot be read."""
    reply: bytes = b""
    """What the machine would be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What some bytes were understood to be."""

    frames: Sequence[SampleFrame]
    rest: bytes
    """The begin of a frame that is not complete."""


@runtime_checkable
class ReadsSamples(Protocol):
    """A driver whose machines speak as their config says, so that a config can be tried on what they said."""

    def preview(self, machine: Machine, sample: bytes) -> Sample:
        """What a machine with this config would be understood to say with these bytes."""
