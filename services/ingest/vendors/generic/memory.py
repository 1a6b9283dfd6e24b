"""What is known of a machine from one contact to the next, for as long as the process lives."""

from dataclasses import dataclass, field

from services.ingest.vendors.generic.sequence import Position


@dataclass(slots=True)
class Memory:
    """Of what is safe."""

    position: Position = field(default_factory=Position)
    """How far its numbers have come."""
    understood: bool = False
    """Whether a scan of it ever was read."""
