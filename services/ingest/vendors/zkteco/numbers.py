"""Who had which internal number, and when. Pure.

Old machines write internal numbers into their log, and give the number of somebody who was deleted to the next who is
enrolled. Read by the table of today, the scans of the one would be the other's: so what the table said is kept, with
the time at which it said so. Source: PROTOCOLS §1.9, §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.ingest.domain.instants import EARLIEST


@dataclass(slots=True)
class _Tenure:
    badge: str
    last: datetime
    """When the table named them last."""
    gone: datetime | None = None
    """When it first named them no more."""
    succeeded: bool = False
    """It named somebody else by then: in between it was the one or the other."""


class Numbers:
    """What the user table of one machine said each time that it was read. Times are by its own clock."""

    __slots__ = ("_tenures",)

    def __init__(self) -> None:
        self._tenures: dict[int, list[_Tenure]] = {}

    def note(self, users: Mapping[int, str], at: datetime) -> None:
        """It said this then: user ids by internal number."""
        for uid, tenures in self._tenures.items():
            latest = tenures[-1]
            if latest.gone is None and users.get(uid) != latest.badge:
                latest.gone, latest.succeeded = at, uid in users
        for uid, badge in users.items():
            tenures = self._tenures.setdefault(uid, [])
            if tenures and tenures[-1].badge == badge:
                tenures[-1].last, tenures[-1].gone = at, None
            else:
                tenures.append(_Tenure(badge, at))

    def holder(self, uid: int, at: datetime) -> str | None:
        """The user id of who had a number then; None where nobody had, or either of two may have had it."""
        tenures = self._tenures.get(uid, [])
        if len(tenures) > 1 and at.date() < EARLIEST:
            return None  # a clock that was lost says nothing of when
        for tenure in tenures:
            if tenure.gone is None:
                return tenure.badge
            if at < tenure.gone:
                return tenure.badge if at <= tenure.last or not tenure.succeeded else None
            if at == tenure.gone:
                return None  # in that second it was the one's, and then the other's
        return None
