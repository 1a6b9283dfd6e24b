"""Machines as ingest tells of them, and an ingest that has some, for the page. `tests/ingest` checks that it does."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

MACHINES = "/api/attendance/machines"


def reconciled(code: str = "gate-1", **changed: Any) -> dict[str, Any]:
    """A machine of which everything is here, as `reconciliation/` tells of one without its days."""
    row: dict[str, Any] = {
        "id": 1,
        "machine_id": code,
        "name": "Main gate",
        "zone": "Asia/Dhaka",
        "state": "live",
        "status_text": "",
        "may_be_read_again": True,
        "missing": 0,
        "sentence": "nothing is missing: all 1,012 records that it holds were handed over",
        "last_contact_at": "2024-01-15T11:59:58Z",
        "reported_until": "2024-01-15T11:59:50Z",
        "sync_asked_at": None,
        "records_on_machine": 1012,
        "records_received": 1012,
        "record_capacity": 100_000,
        "log_cleared_at": None,
        "records_cleared": 0,
        "received": {
            "scans": 1010,
            "quarantined": 1,
            "from_machine": 1010,
            "first_day": "2023-12-01",
            "last_day": "2024-01-15",
            "unreadable": 2,
            "unreadable_from_machine": 2,
            "uncounted": 0,
            "counted_since": None,
        },
        "last_reading": {
            "began_at": "2024-01-15T02:00:00Z",
            "ended_at": "2024-01-15T02:00:09Z",
            "records_on_machine": 1002,
            "read": 1002,
            "new": 12,
            "known": 988,
            "repeated": 0,
            "quarantined": 1,
            "unreadable": 2,
        },
        "last_count": None,
        "gaps": "",
    }
    return {**row, **changed}


def of_day(
    day: str, on_machine: int | None, received: int, missing: int | None = 0, *, was_over: bool = True
) -> dict[str, Any]:
    """A day of `…/{key}/reconciliation/`."""
    figures = {"day": day, "on_machine": on_machine, "received": received, "quarantined": 0, "missing": missing}
    return {**figures, "was_over": was_over}


HEALTH: dict[str, Any] = {
    "machine_type": "zkteco",
    "location": "North door",
    "last_scan_at": "2024-01-15T11:58:00Z",
    "clock_offset_seconds": -3.4,
    "clock_measured_at": "2024-01-15T11:59:45Z",
}
"""What the page reads of a machine beside that."""


class Fleet:
    """What an ingest has; a test changes it, and so do the acts of the page."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["machine_id"]: row for row in rows}
        self.days: dict[str, list[dict[str, Any]]] = {}
        self.health: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        """Machine, act and body."""
        self.refuses: str | None = None
        """Why nothing can be done."""


def add_machines(app: FastAPI, fleet: Fleet) -> None:
    """Its routes."""

    @app.get(f"{MACHINES}/reconciliation/")
    async def every(page: int, page_size: int) -> dict[str, Any]:
        rows = list(fleet.rows.values())
        start = (page - 1) * page_size
        more = f"{MACHINES}/reconciliation/?page={page + 1}" if start + page_size < len(rows) else None
        return {"count": len(rows), "next": more, "previous": None, "results": rows[start : start + page_size]}

    @app.get(MACHINES + "/{key}/reconciliation/")
    async def one(key: str) -> Any:
        return {**fleet.rows[key], "days": fleet.days.get(key, [])} if key in fleet.rows else _gone(key)

    @app.get(MACHINES + "/{key}/")
    async def machine(key: str) -> Any:
        return {**HEALTH, **fleet.rows[key], **fleet.health.get(key, {})} if key in fleet.rows else _gone(key)

    @app.post(MACHINES + "/{key}/{act}/")
    async def act(key: str, act: str, request: Request) -> Any:
        fleet.asked.append((key, act, await request.json()))
        if fleet.refuses is not None:
            return JSONResponse({"error": fleet.refuses}, 422)
        if act == "sync":
            fleet.rows[key]["sync_asked_at"] = "2024-01-15T12:00:00Z"
            return JSONResponse({"machine_id": key, "will": "its log is read again now"}, 202)
        fleet.rows[key]["state"] = "paused" if act == "pause" else "connecting"
        return fleet.rows[key]


def _gone(key: str) -> JSONResponse:
    return JSONResponse({"error": f"there is no machine {key!r}"}, 404)
