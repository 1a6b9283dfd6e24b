"""Events to a batch of scans, and a word to people on kinds that are not known: the same whatever way they come."""

from collections.abc import Sequence
from datetime import datetime

from services.ingest.application.drivers import Contact
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.vendors.hikvision.events import AccessEvent, reading_of
from services.ingest.vendors.hikvision.settings import HikvisionSettings


def batch_of(
    events: Sequence[AccessEvent], mode: Mode, *, settings: HikvisionSettings, contact: Contact, received_at: datetime
) -> Batch:
    """The scans among them, in their order; what cannot be read is kept."""
    read = [reading_of(event, believe_offset=settings.times == "offset") for event in events]
    for event in events:
        if event.is_new_kind:
            kind = f"{event.major}/{event.minor}"
            contact.warn(
                f"event {kind}",
                f"it tells of people in events of a kind that is not known ({kind}): they are taken for scans",
            )
    return Batch(
        readings=[one for one in read if isinstance(one, Reading)],
        unreadable=[one for one in read if isinstance(one, Unreadable)],
        mode=mode,
        received_at=received_at,
    )
