"""Working out what has to change so that people are as somebody wants them. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.attendance.application.holders import Span, Timeline, on_date
from services.attendance.application.person import (
    ALWAYS,
    UNSET,
    BadgeSpan,
    Change,
    Draft,
    Facts,
    Known,
    Place,
    Unset,
)
from services.attendance.application.timeline import both, changed
from services.attendance.domain.locks import month_after
from shared.kernel.errors import Conflict, Invalid


@dataclass(slots=True, kw_only=True)
class Roster:
    """The people that changes are about, whoever else holds their badges, and the places that there are."""

    today: date
    main_site: int
    sites: dict[str, int]
    """By name, in lower case."""
    units: dict[int, str]
    """The departments."""
    by_code: dict[str, Known]
    locked: Mapping[int, Collection[date]] = field(default_factory=dict)
    """For each site the firsts of the months that are locked there."""
    machines: Mapping[str, int] = field(default_factory=dict)
    """By code."""
    holders: dict[str, list[tuple[str, str, BadgeSpan]]] = field(default_factory=dict)
    """For each number: code and name of who holds it, and where and when."""
    _names: dict[str, str] = field(init=False)
    _sites_by_id: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self._names = {name.lower(): name for name in self.units.values()}
        self._sites_by_id = set(self.sites.values())

    def change(self, draft: Draft, since: date | Unset | None = UNSET, known: Known | None = None) -> Change:
        """What has to be written so that the person is as drafted, from `since` on (today; None is always).

        `known` is the person where the draft may change the code. A removed person comes back. The roster takes the
        change for made.

        Raises:
            Invalid: a value is against a rule; `fields` names it.
            Conflict: somebody else holds a badge, or has the code.
        """
        other = None if draft.code is UNSET else self.by_code.get(draft.code)
        if known is not None and other is not None and other.id != known.id:
            raise _conflict("employee_id", f"{draft.code!r} is {other.facts.name}'s")
        known = known or other
        if known is None and (draft.code is UNSET or draft.name is UNSET):
            raise _invalid("employee_id" if draft.code is UNSET else "name", "is missing")
        facts = _facts(draft, known)
        back = known is not None and known.removed
        places, start = self._places(draft, known, None if known is None or back else since)
        drops, adds = self._badges(draft, known, facts)
        change = Change(
            id=known.id if known else None,
            facts=facts,
            facts_changed=known is not None and (facts != known.facts or back),
            places=places,
            since=start,
            counts_differently=bool(places) and known is not None and _counts_differently(places, known, start),
            drops=drops,
            adds=adds,
        )
        self._take(change, known)
        return change

    def removal(self, known: Known) -> Change:
        """What has to be written so that the person never was one; the badges are free again."""
        return Change(id=known.id, facts=known.facts, facts_changed=True, removed=True, drops=known.badges)

    def _places(
        self, draft: Draft, known: Known | None, since: date | Unset | None
    ) -> tuple[Sequence[tuple[Span, Place]], date | None]:
        start = self.today if since is UNSET else since
        if start is not None and start > self.today:
            raise _invalid(
                "effective_from", f"{start} lies in the future; changes can be made from today on, or before"
            )
        places = known.places if known else ()
        base = on_date(places, start or self.today) or Place(site_id=self.main_site)
        if known is None or known.removed or not places:
            everywhere = [(ALWAYS, self._drafted(draft, base))]
            return ((), None) if list(places) == everywhere else (everywhere, None)
        # What is drafted holds from then on, and all else of where they came to belong later stays.
        new = changed(places, Span(start), lambda place: self._drafted(draft, place or base))
        if new == changed(places, ALWAYS, lambda place: place):
            return (), None
        self._check_locked(places, new)
        return [
            (Span(_later(span.since, start), span.until), place) for span, place in new if _reaches(span, start)
        ], start

    def _drafted(self, draft: Draft, base: Place) -> Place:
        return Place(
            department=self._department(draft.department, base.department),
            designation=base.designation if draft.designation is UNSET else draft.designation,
            level_of_work=base.level_of_work if draft.level_of_work is UNSET else draft.level_of_work,
            site_id=self._site(draft.site, base.site_id),
        )

    def _check_locked(self, before: Timeline[Place], after: Timeline[Place]) -> None:
        """Nobody leaves a site within a month that is locked there: days that keep their figures would be others."""
        for span, place in before:
            for month in sorted(self.locked.get(place.site_id, ())):
                its = both(span, Span(month, month_after(month)))
                if its is not None and any(both(its, new) and to.site_id != place.site_id for new, to in after):
                    raise _conflict(
                        "site",
                        f"{month:%Y-%m} is locked at site {place.site_id}; unlock it, or say a later effective_from",
                    )

    def _department(self, wanted: str | int | Unset | None, present: str | None) -> str | None:
        if wanted is UNSET or wanted is None:
            return present if wanted is UNSET else None
        if isinstance(wanted, int):
            if wanted not in self.units:
                raise _invalid("department", f"there is no department {wanted}")
            return self.units[wanted]
        return self._names.setdefault(wanted.lower(), wanted)

    def _site(self, wanted: str | int | Unset, present: int) -> int:
        if wanted is UNSET:
            return present
        found = wanted if isinstance(wanted, int) else self.sites.get(wanted.lower())
        if found not in self._sites_by_id or found is None:
            raise _invalid("site", f"there is no site {wanted!r}")
        return found

    def _badges(
        self, draft: Draft, known: Known | None, facts: Facts
    ) -> tuple[Sequence[tuple[int, BadgeSpan]], Sequence[BadgeSpan]]:
        held = known.badges if known else ()
        drops: list[tuple[int, BadgeSpan]] = []
        adds: list[BadgeSpan] = []
        if draft.badges is not UNSET:
            wanted = [self._bound(badge) for badge in draft.badges]
            drops = [row for row in held if row[1] not in wanted]
            adds = [badge for badge in wanted if badge not in [row[1] for row in held]]
        one = None if draft.badge is None else self._bound(draft.badge)
        if one is not None and one not in [row[1] for row in held]:
            same = [row for row in held if _same(row[1], one)]
            if not same or one.span != ALWAYS:
                drops, adds = [*drops, *same], [*adds, one]
        kept = [row[1] for row in held if row not in drops]
        for badge in adds:
            if any(_same(badge, other) and _overlap(badge.span, other.span) for other in kept):
                raise _invalid("badges", f"badge {self._called(badge)} is there twice, for dates that overlap")
            kept.append(badge)
            own = known.facts.code if known else facts.code
            for code, name, other in self.holders.get(badge.badge, ()):
                if code != own and _same(badge, other) and _overlap(badge.span, other.span):
                    raise _conflict("badge", f"badge {self._called(badge)} is {name}'s ({code}){_said(other.span)}")
        return drops, adds

    def _take(self, change: Change, known: Known | None) -> None:
        facts = change.facts
        own = known.facts.code if known else facts.code
        for badge in {row[1].badge for row in change.drops} | {badge.badge for badge in change.adds}:
            others = [holder for holder in self.holders.get(badge, ()) if holder[0] != own]
            dropped = [row[1] for row in change.drops]
            kept = [row[1] for row in (known.badges if known else ()) if row[1] not in dropped]
            held = [each for each in (*kept, *change.adds) if each.badge == badge]
            self.holders[badge] = [*others, *((facts.code, facts.name, each) for each in held)]

    def _bound(self, badge: BadgeSpan) -> BadgeSpan:
        """The badge, with its machine by id."""
        wanted = badge.machine
        if wanted is None:
            return badge
        ids = set(self.machines.values())
        found = wanted if isinstance(wanted, int) else self.machines.get(wanted)
        if found is None and isinstance(wanted, str) and wanted.isascii() and wanted.isdigit():
            found = int(wanted)
        if found not in ids:
            raise _invalid("machine", f"there is no machine {wanted!r}")
        return replace(badge, machine=found)

    def _called(self, badge: BadgeSpan) -> str:
        codes = [code for code, id_ in self.machines.items() if id_ == badge.machine]
        return badge.badge + (f" on machine {codes[0] if codes else badge.machine}" if badge.machine else "")


def _facts(draft: Draft, known: Known | None) -> Facts:
    base = known.facts if known else Facts(code="", name="")
    given = {
        name: value
        for name in ("code", "name", "email", "phone", "gender", "joined_on", "left_on")
        if (value := getattr(draft, name)) is not UNSET
    }
    facts = replace(base, **given)
    if facts.joined_on and facts.left_on and facts.left_on < facts.joined_on:
        raise _invalid("left_on", f"{facts.left_on} lies before joined_on, {facts.joined_on}")
    return facts


def _counts_differently(places: Timeline[Place], known: Known, since: date | None) -> bool:
    def rules(timeline: Timeline[Place]) -> Timeline[tuple[str, int]]:
        each = [(span, (place.level_of_work, place.site_id)) for span, place in timeline if _reaches(span, since)]
        return changed(
            [(Span(_later(span.since, since), span.until), one) for span, one in each], ALWAYS, lambda one: one
        )

    return rules(places) != rules(known.places)


def _reaches(span: Span, since: date | None) -> bool:
    return span.until is None or since is None or span.until > since


def _later(one: date | None, other: date | None) -> date | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _same(one: BadgeSpan, other: BadgeSpan) -> bool:
    """Whether only one person can hold them at a time: a number, everywhere or on the same machine."""
    return (one.badge, one.machine) == (other.badge, other.machine)


def _overlap(one: Span, other: Span) -> bool:
    return (one.since is None or other.until is None or one.since < other.until) and (
        other.since is None or one.until is None or other.since < one.until
    )


def _said(span: Span) -> str:
    """The dates of a span, with a blank before each; nothing where it is always."""
    return (f" from {span.since}" if span.since else "") + (f" until {span.until}" if span.until else "")


def _invalid(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", fields={name: detail})


def _conflict(name: str, detail: str) -> Conflict:
    return Conflict(f"{name}: {detail}", fields={name: detail})
