"""A config tried on a sample of bytes. Pure."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.samples import Sample, SampleFrame
from services.ingest.vendors.generic.framers import framer
from services.ingest.vendors.generic.framing import Pauses
from services.ingest.vendors.generic.interpreting import Interpreter
from services.ingest.vendors.generic.settings import GenericSettings

MOST: Final = 1_000
"""Frames that are shown."""


def preview(settings: GenericSettings, zone: ZoneInfo, sample: bytes, now: datetime) -> Sample:
    """The frames, and what they would be taken for if they came now."""
    framing, interpreter = framer(settings.framing), Interpreter(settings, zone)
    frames: list[SampleFrame] = []
    pieces = list(framing.feed(sample))
    if isinstance(settings.framing, Pauses):
        pieces += framing.idle()
    for piece in pieces[:MOST]:
        heard = interpreter.hear(piece, now)
        frames.append(
            SampleFrame(
                raw=heard.raw,
                kind=heard.kind.value,
                readings=heard.readings,
                problems=[record.reason for record in heard.unreadable],
                reply=heard.reply,
            )
        )
    return Sample(frames=frames, rest=sample[len(sample) - framing.pending :] if framing.pending else b"")
