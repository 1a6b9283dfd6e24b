"""Drafts: settings, a shift, a schedule or whose it is, tried as if they had been entered.

A draft goes the way of the real change, in a transaction of which nothing stays: what is refused is refused alike, and
whom it touches is found alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from services.attendance.application.holders import Span
from services.attendance.application.looking import Drafted
from services.attendance.application.scheduling import assign, change_versions, found_schedule, make
from services.attendance.application.scheduling_ports import Kind, SchedulingStore, SchedulingTrial, Values
from services.attendance.application.settling import change_settings
from shared.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSettings:
    """Settings of somebody, in a span: None is from today on."""

    kind: str
    text: str | None
    values: Values
    span: tuple[date | None, date | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftVersion:
    """Values of a shift or schedule: of one that there is, by its id or its name, or of a new one."""

    name: str
    values: Values
    span: tuple[date | None, date | None] | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAssignment:
    """Who goes by a schedule; None is by none of their own."""

    schedule: str | int | None
    kind: str
    text: str
    span: tuple[date | None, date | None] = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Tried in the order of the fields: a schedule may name the shift, an assignment the schedule."""

    shift: DraftVersion | None = None
    schedule: DraftVersion | None = None
    assign: DraftAssignment | None = None
    settings: DraftSettings | None = None


async def tried(store: SchedulingStore, draft: Draft, now: datetime) -> Drafted:
    """The rules with the draft among them. Nothing of it is kept.

    Raises what the change itself would.
    """
    async with store.trying() as trial:
        if draft.shift is not None:
            await _version(trial, "shift", draft.shift, now)
        if draft.schedule is not None:
            await _version(trial, "schedule", draft.schedule, now)
        if draft.assign is not None:
            wanted = draft.assign
            id_ = None if wanted.schedule is None else (await found_schedule(trial, wanted.schedule)).id
            await assign(trial, id_, (wanted.kind, wanted.text), Span(*wanted.span))
        if draft.settings is not None:
            said = draft.settings
            await change_settings(trial, said.kind, said.text, said.values, _span(said.span), now)
        return await trial.drafted()


async def _version(trial: SchedulingTrial, kind: Kind, draft: DraftVersion, now: datetime) -> None:
    span = _span(draft.span)
    named = await trial.named(kind)
    known = next((one for one in named if (one.id == draft.id if draft.id else one.name == draft.name)), None)
    if known is not None:
        await change_versions(trial, kind, known, draft.name, draft.values, span, now)
    elif draft.id is not None:
        raise NotFound(f"there is no {kind} {draft.id}")
    else:
        await make(trial, kind, draft.name, draft.values, span or Span())


def _span(span: tuple[date | None, date | None] | None) -> Span | None:
    return None if span is None else Span(*span)


def shown(draft: Draft) -> Mapping[str, Any]:
    """The draft as it is kept with a run; `read` reads it."""
    found: Mapping[str, Any] = msgspec.to_builtins(draft)
    return found


def read(kept: Mapping[str, Any]) -> Draft:
    """The draft that `shown` made this of."""
    return msgspec.convert(kept, Draft)
