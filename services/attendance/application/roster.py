"""Working out what has to change so that people are as somebody wants them. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.attendance.application.directory import Span
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
    holders: dict[str, list[tuple[str, str, Span]]] = field(default_factory=dict)
    """For each badge: code and name of who holds it, and when."""
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
        place, start = self._place(draft, known, None if known is None or back else since)
        drops, adds = self._badges(draft, known, facts)
        change = Change(
            id=known.id if known else None,
            facts=facts,
            facts_changed=known is not None and (facts != known.facts or back),
            place=place,
            since=start,
            counts_differently=place is not None and known is not None and _counts_differently(place, known, start),
            drops=drops,
            adds=adds,
        )
        self._take(change, known)
        return change

    def removal(self, known: Known) -> Change:
        """What has to be written so that the person never was one; the badges are free again."""
        return Change(id=known.id, facts=known.facts, facts_changed=True, removed=True, drops=known.badges)

    def _place(self, draft: Draft, known: Known | None, since: date | Unset | None) -> tuple[Place | None, date | None]:
        start = self.today if since is UNSET else since
        if start is not None and start > self.today:
            raise _invalid(
                "effective_from", f"{start} lies in the future; changes can be made from today on, or before"
            )
        places = known.places if known else ()
        on = start or self.today
        base = next((place for span, place in places if span.covers(on)), None) or Place(site_id=self.main_site)
        place = Place(
            department=self._department(draft.department, base.department),
            designation=base.designation if draft.designation is UNSET else draft.designation,
            level_of_work=base.level_of_work if draft.level_of_work is UNSET else draft.level_of_work,
            site_id=self._site(draft.site, base.site_id),
        )
        if known is None:
            return place, None
        return (None, None) if _stays(places, place, start) else (place, start if places else None)

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
            wanted = list(draft.badges)
            drops = [row for row in held if row[1] not in wanted]
            adds = [badge for badge in wanted if badge not in [row[1] for row in held]]
        if draft.badge is not None and draft.badge not in [row[1] for row in held]:
            same = [row for row in held if row[1].badge == draft.badge.badge]
            if not same or draft.badge.span != ALWAYS:
                drops, adds = [*drops, *same], [*adds, draft.badge]
        kept = [row[1] for row in held if row not in drops]
        for badge in adds:
            if any(badge.badge == other.badge and _overlap(badge.span, other.span) for other in kept):
                raise _invalid("badges", f"badge {badge.badge} is there twice, for dates that overlap")
            kept.append(badge)
            own = known.facts.code if known else facts.code
            for code, name, span in self.holders.get(badge.badge, ()):
                if code != own and _overlap(badge.span, span):
                    raise _conflict("badge", f"badge {badge.badge} is {name}'s ({code}){_said(span)}")
        return drops, adds

    def _take(self, change: Change, known: Known | None) -> None:
        facts = change.facts
        own = known.facts.code if known else facts.code
        for badge in {row[1].badge for row in change.drops} | {badge.badge for badge in change.adds}:
            others = [holder for holder in self.holders.get(badge, ()) if holder[0] != own]
            dropped = [row[1] for row in change.drops]
            kept = [row[1] for row in (known.badges if known else ()) if row[1] not in dropped]
            spans = [b.span for b in (*kept, *change.adds) if b.badge == badge]
            self.holders[badge] = [*others, *((facts.code, facts.name, span) for span in spans)]


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


def _stays(places: Sequence[tuple[Span, Place]], place: Place, start: date | None) -> bool:
    """Whether the person is at `place` already, from `start` on and without an end."""
    if start is None:
        return list(places) == [(ALWAYS, place)]
    after = [(span, other) for span, other in places if span.until is None or span.until > start]
    return (
        bool(after)
        and all(other == place for _, other in after)
        and after[0][0].covers(start)
        and after[-1][0].until is None
    )


def _counts_differently(place: Place, known: Known, since: date | None) -> bool:
    before = [other for span, other in known.places if since is None or span.until is None or span.until > since]
    return any((o.level_of_work, o.site_id) != (place.level_of_work, place.site_id) for o in before) or not before


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
