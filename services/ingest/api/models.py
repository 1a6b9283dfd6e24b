"""Machines as clients write and read them."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypedDict, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints, model_validator

from services.ingest.application.machines import Changes, Machines
from services.ingest.domain.machine import Direction, Machine, State, Status, pause_in_words

READ_ONLY = frozenset({
    "id",
    "is_connected",
    "last_sync",
    "last_scan_at",
    "reported_until",
    "reports_by_itself",
    "status_text",
    "state",
    "last_contact_at",
    "clock_offset_seconds",
    "clock_measured_at",
    "records_on_machine",
    "record_capacity",
    "records_received",
    "sync_asked_at",
    "sync_since",
    "paused_at",
    "paused_until",
    "paused_by",
    "pause_reason",
    "created_at",
    "updated_at",
})  # fmt: skip
"""Pages send back whole records; what is not theirs to set is passed over."""


def _is_a_code(code: str) -> str:
    if not 1 <= len(code) <= 100 or re.search(r"[/\x00-\x1f\x7f]", code):
        raise ValueError("is to have 1 to 100 characters, without a slash, line breaks and the like")
    return code


Code = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_is_a_code)]


def _is_no_route(code: str) -> str:
    if code in ROUTES:
        raise ValueError(f"{code} is what a route is called; name the machine otherwise")
    return code


ROUTES = frozenset({"test", "preview", "reconciliation"})
"""Below `machines/`: a machine of that name could not be asked for by it."""
NewCode = Annotated[Code, AfterValidator(_is_no_route)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]


class MachineBody(BaseModel):
    """A machine, or the part of it that is to change."""

    model_config = ConfigDict(extra="forbid")

    machine_id: NewCode | None = None
    name: Text | None = None
    machine_type: str | None = None
    ip_address: Text | None = Field(default=None, description="address or host name")
    port: Annotated[StrictInt, Field(ge=1, le=65535)] | None = None
    location: Text | None = None
    department: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] | Text | None = Field(
        default=None, description="id or name"
    )
    department_name: Text | None = Field(default=None, description="beside the id: it is not looked up")
    status: Literal["active", "inactive", "maintenance", "error"] | None = None
    direction: Literal["both", "in", "out"] | None = None
    site_id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] | None = None
    zone: str | None = Field(default=None, description="IANA time zone of its clock")
    serial: Text | None = None
    aliases: list[Text] | None = None
    installed_on: date | None = None
    config: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _pass_over(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: given for name, given in value.items() if name not in READ_ONLY}
        return value

    def changes(self) -> Changes:
        """What was given, as the registry takes it. Null empties what can be empty, and else leaves it."""
        given = self.model_dump(exclude_unset=True)
        if isinstance(given.get("department"), str):
            given["department_name"] = given["department"]
            given["department"] = None
        for name in ("location", "department_name"):
            if name in given:
                given[name] = given[name] or ""
        for name in ("ip_address", "serial"):
            if name in given:
                given[name] = given[name] or None
        emptied = {"ip_address", "port", "department", "serial", "installed_on"}
        changes = {name: value for name, value in given.items() if value is not None or name in emptied}
        if "status" in changes:
            changes["status"] = Status(changes["status"])
        if "direction" in changes:
            changes["direction"] = Direction(changes["direction"])
        if "aliases" in changes:
            changes["aliases"] = tuple(changes["aliases"])
        return cast("Changes", changes)


class NewMachineBody(MachineBody):
    """A machine to be registered."""

    machine_id: NewCode
    machine_type: str


class WholeMachineBody(MachineBody):
    """A machine as a page has read it. What a page does not know of stays as it is."""

    machine_id: NewCode
    name: Text
    machine_type: str


class ShownMachine(TypedDict):
    """A machine in an answer."""

    id: int
    machine_id: str
    name: str
    machine_type: str
    ip_address: str | None
    port: int | None
    location: str
    department: int | None
    department_name: str | None
    """As somebody said it; null where only the id was said: ingest knows no departments."""
    status: str
    status_text: str
    is_connected: bool
    last_sync: datetime | None
    last_scan_at: datetime | None
    reported_until: datetime | None
    reports_by_itself: bool
    state: str
    last_contact_at: datetime | None
    clock_offset_seconds: float | None
    clock_measured_at: datetime | None
    records_on_machine: int | None
    record_capacity: int | None
    records_received: int | None
    sync_asked_at: datetime | None
    sync_since: datetime | None
    paused_at: datetime | None
    paused_until: datetime | None
    paused_by: str
    pause_reason: str
    direction: str
    site_id: int
    zone: str
    serial: str | None
    aliases: tuple[str, ...]
    installed_on: date | None
    config: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def shown(machine: Machine, machines: Machines) -> ShownMachine:
    """A machine as clients read it."""
    state = machines.state_of(machine)
    return {
        "id": machine.id,
        "machine_id": machine.machine_id,
        "name": machine.name,
        "machine_type": machine.machine_type,
        "ip_address": machine.ip_address,
        "port": machine.port,
        "location": machine.location,
        "department": machine.department,
        "department_name": machine.department_name or ("" if machine.department is None else None),
        "status": machine.status.value,
        "status_text": pause_in_words(machine) if state is State.PAUSED else machine.status_text,
        "is_connected": machine.is_connected,
        "last_sync": machine.last_sync,
        "last_scan_at": machine.last_scan_at,
        "reported_until": machine.reported_until,
        "reports_by_itself": machines.reports_by_itself(machine),
        "state": state.value,
        "last_contact_at": machine.last_contact_at,
        "clock_offset_seconds": machine.clock_offset_seconds,
        "clock_measured_at": machine.clock_measured_at,
        "records_on_machine": machine.records_on_machine,
        "record_capacity": machine.record_capacity,
        "records_received": machine.records_received,
        "sync_asked_at": machine.sync_asked_at,
        "sync_since": machine.sync_since,
        "paused_at": machine.paused_at,
        "paused_until": machine.paused_until,
        "paused_by": machine.paused_by,
        "pause_reason": machine.pause_reason,
        "direction": machine.direction.value,
        "site_id": machine.site_id,
        "zone": machine.zone,
        "serial": machine.serial,
        "aliases": machine.aliases,
        "installed_on": machine.installed_on,
        "config": machines.shown_config(machine),
        "created_at": machine.created_at,
        "updated_at": machine.updated_at,
    }
