"""Machines as rows, and rows as machines."""

from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from services.ingest.domain.machine import Direction, Machine, State, Status

COLUMNS = tuple(field.name for field in fields(Machine))


def machine_of(row: RowMapping) -> Machine:
    """The machine in a row that has all columns."""
    values = {name: row[name] for name in COLUMNS}
    values["status"] = Status(values["status"])
    values["direction"] = Direction(values["direction"])
    values["state"] = State(values["state"])
    values["aliases"] = tuple(values["aliases"])
    return Machine(**values)


def values_of(machine: Machine) -> dict[str, Any]:
    """The row of a machine, without its id, which the database gives."""
    values = {name: getattr(machine, name) for name in COLUMNS if name != "id"}
    values["status"] = machine.status.value
    values["direction"] = machine.direction.value
    values["state"] = machine.state.value
    values["aliases"] = list(machine.aliases)
    values["config"] = dict(machine.config)
    return values
