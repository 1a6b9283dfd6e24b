"""What is known of a machine from one contact to the next: as long as the process lives, and how far it was, longer."""

from dataclasses import dataclass, field

from services.ingest.vendors.generic.sequence import Position, Turn, step
from services.ingest.vendors.generic.settings import Sequence
from services.ingest.vendors.marks import read


@dataclass(slots=True)
class Memory:
    """Of what is safe."""

    position: Position = field(default_factory=Position)
    """How far its numbers have come."""
    understood: bool = False
    """Whether a scan of it ever was read."""
    mark: str = ""
    """That of the registry which was looked at last."""

    def look_at(self, mark: str, settings: Sequence | None) -> None:
        """Go on from what is kept, after a start, or where another process came farther meanwhile."""
        if mark == self.mark:
            return
        self.mark = mark
        kept = read(mark, Position)
        if settings is None or kept is None or kept.latest is None:
            return
        _, turn = step(self.position, kept.latest, settings)
        if turn in (Turn.NEXT, Turn.GAP):
            self.position = kept
