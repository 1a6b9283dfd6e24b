"""What a payroll is made of, and the ports that read it and keep the pay codes of sites."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from services.attendance.application.day_facts import DayReading, Filter, Stay
from services.attendance.application.holders import Span, Timeline
from services.attendance.domain.locks import Adjustment
from services.attendance.domain.pay_codes import PayCode
from services.attendance.domain.payroll import Amounts
from shared.web.scope import Scope


class Period(NamedTuple):
    """Dates, both inclusive."""

    first: date
    last: date

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


class Slice(NamedTuple):
    """Dates of a period on which a person was in one place, and on which one set of pay codes holds."""

    stay: Stay
    first: int
    """Days since the period began."""
    last: int
    """Inclusive."""


class Stored(NamedTuple):
    """What the stored days of a slice come to. Dates are days since the period began."""

    number: int
    """The slice's."""
    amounts: Amounts
    """Without what depends on how sure a day is."""
    seen: Sequence[int]
    unseen: Sequence[int]
    """Without a scan that counts."""
    absent: Sequence[int]
    """Either, with the status Absent; not counted yet."""
    expected_unknown: Sequence[int]
    """Stored before expected minutes were."""
    weekends: Sequence[int]
    holidays: Sequence[int]
    """With work."""


class Adjusted(NamedTuple):
    """An adjustment that is booked in the period, and where its person was on the day that it is about."""

    stay: Stay
    adjustment: Adjustment


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCodeSet:
    """The pay codes that a site has for some time, and who said so."""

    codes: Mapping[str, PayCode | None]
    by: int
    """A user of the gateway's."""
    by_name: str
    at: datetime


class PayCodeReading(Protocol):
    """One transaction that reads."""

    async def pay_codes(self) -> Mapping[int, Timeline[PayCodeSet]]:
        """Of all sites that have any."""


class PayrollReading(DayReading, PayCodeReading, Protocol):
    """One consistent look at all that a payroll is made of."""

    async def stays(self, first: date, last: date, wanted: Filter, scope: Scope) -> Sequence[Stay]:
        """Who was active in these dates, by code and date, and where."""

    async def members(self, group_id: int, period: Period) -> Mapping[int, Sequence[Span]]:
        """When who was in a group, by person."""

    async def stored(self, slices: Sequence[Slice], period: Period) -> Sequence[Stored]:
        """Of those slices that have stored days."""

    async def adjustments(self, period: Period, wanted: Filter, scope: Scope) -> Sequence[Adjusted]:
        """Those booked in months that begin in the period, by the person's place on the day that they are about."""


class PayrollReads(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[PayrollReading]:
        """One consistent look."""


class PayCodeStore(Protocol):
    """Opens transactions on pay codes."""

    def reading(self) -> AbstractAsyncContextManager["PayCodeSites"]:
        """One consistent look."""

    def changing(self) -> AbstractAsyncContextManager["PayCodeWriting"]:
        """Committed on leaving; nobody else changes pay codes meanwhile."""


class PayCodeSites(PayCodeReading, Protocol):
    """Pay codes, and whose they are."""

    async def site(self, text: str | None) -> tuple[int, str] | None:
        """Id and name of the site with this id, or else this name; None stands for the main site."""

    async def today(self, now: datetime) -> date:
        """The business date at the main site."""


class PayCodeWriting(PayCodeSites, Protocol):
    """One transaction that changes."""

    async def put(self, site_id: int, codes: Timeline[PayCodeSet]) -> None:
        """These instead of all that there were."""
