"""A machine that called us, and that nobody has registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMachine:
    """What is known of it. Nothing that it would hand over was taken: it keeps that until it is accepted."""

    kind: str
    """The `machine_type` that it would have, by the way it calls."""
    serial: str
    source: str
    """Address that it called from last."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What it says of itself."""
    first_seen_at: datetime
    last_seen_at: datetime
    calls: int = 1
    refused: bool = False
    """A person said no."""
