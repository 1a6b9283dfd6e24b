"""Pay codes of sites: what holds on a date, and changing it from a date on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.attendance.application.holders import Span, on_date, since_when
from services.attendance.application.payroll_ports import PayCodeSet, PayCodeSites, PayCodeStore
from services.attendance.application.timeline import changed
from services.attendance.domain.pay_codes import pay_codes_from
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.web.scope import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCodesInForce:
    """What a site has on a date."""

    site_id: int
    site: str
    codes: PayCodeSet | None
    since: date | None
    until: date | None
    """Exclusive; None is always, of both."""


class PayCodesOfSites:
    """Reads and changes pay codes."""

    def __init__(self, store: PayCodeStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def today(self) -> date:
        """The business date of this moment at the main site."""
        async with self._store.reading() as reading:
            return await reading.today(self._clock.now())

    async def of(self, site: str | None, on: date | None) -> PayCodesInForce:
        """What holds on a date (today), at the main site unless another is named.

        Raises:
            Malformed: there is no such site.
        """
        async with self._store.reading() as reading:
            return await self._in_force(reading, site, on or await reading.today(self._clock.now()))

    async def change(
        self, site: str | None, values: Mapping[str, object], span: Span | None, who: Caller
    ) -> PayCodesInForce:
        """Let a site have these pay codes, and no others, in the span: None is from today on.

        Raises:
            Malformed: there is no such site.
            Invalid: a kind is unknown, or what is said of it cannot be; `fields` names it.
        """
        now = self._clock.now()
        codes = PayCodeSet(codes=pay_codes_from(values), by=who.user, by_name=who.username, at=now)
        async with self._store.changing() as writing:
            site_id, _ = await _found(writing, site)
            span = span or Span(await writing.today(now))
            before = (await writing.pay_codes()).get(site_id, ())
            await writing.put(site_id, changed(before, span, lambda _: codes if codes.codes else None))
            return await self._in_force(writing, site, span.since or await writing.today(now))

    async def _in_force(self, reading: PayCodeSites, site: str | None, on: date) -> PayCodesInForce:
        site_id, name = await _found(reading, site)
        timeline = (await reading.pay_codes()).get(site_id, ())
        ends = [edge for span, _ in timeline for edge in span if edge is not None and edge > on]
        return PayCodesInForce(
            site_id=site_id,
            site=name,
            codes=on_date(timeline, on),
            since=since_when(timeline, on),
            until=min(ends, default=None),
        )


async def _found(reading: PayCodeSites, site: str | None) -> tuple[int, str]:
    found = await reading.site(site)
    if found is None:
        detail = f"there is no site {(site or '')[:80]!r}"
        raise Malformed(f"site: {detail}", fields={"site": detail})
    return found
