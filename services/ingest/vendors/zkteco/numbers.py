"""Who had which internal number, and when. Pure.

Old machines write internal numbers into their log, and give the number of somebody who was deleted to the next who is
enrolled. Read by the table of today, the scans of the one would be the other's: so what the table said is kept, with
the time at which it said so. Source: PROTOCOLS §1.9, §7.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from services.ingest.domain.instants import EARLIEST


class Tenure(Struct, omit_defaults=True):
    """How long somebody had a number, as far as the tables tell."""

    badge: str
    last: datetime | None = None
    """When a table named them last, once one names them no more."""
    gone: datetime | None = None
    """When it first named them no more."""
    succeeded: bool = False
    """It named somebody else by then: in between it was the one or the other."""


class Numbers(Struct, omit_defaults=True):
    """What the user table of one machine said each time that it was read. Times are by its own clock.

    Kept with the machine as it is: a change of its members reads what older versions wrote.
    """

    at: datetime | None = None
    """When it was read last."""
    tenures: dict[int, list[Tenure]] = field(default_factory=dict)
    """By number, the earliest first."""

    def note(self, users: Mapping[int, str], at: datetime) -> None:
        """It said this then: user ids by internal number."""
        for uid, tenures in self.tenures.items():
            latest = tenures[-1]
            if latest.gone is None and users.get(uid) != latest.badge:
                latest.last, latest.gone, latest.succeeded = self.at, at, uid in users
        for uid, badge in users.items():
            tenures = self.tenures.setdefault(uid, [])
            if tenures and tenures[-1].badge == badge:
                tenures[-1].gone = None
            else:
                tenures.append(Tenure(badge))
        self.at = at

    def holder(self, uid: int, at: datetime) -> str | None:
        """The user id of who had a number then; None where nobody had, or either of two may have had it."""
        tenures = self.tenures.get(uid, [])
        if len(tenures) > 1 and at.date() < EARLIEST:
            return None  # a clock that was lost says nothing of when
        for tenure in tenures:
            if tenure.gone is None:
                return tenure.badge
            if at < tenure.gone:
                surely = tenure.last is not None and at <= tenure.last
                return tenure.badge if surely or not tenure.succeeded else None
            if at == tenure.gone:
                return None  # in that second it was the one's, and then the other's
        return None
