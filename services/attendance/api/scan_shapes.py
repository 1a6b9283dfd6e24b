"""Scans, and rulings about them, as callers see them."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

import msgspec

from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import Release
from services.attendance.domain.scans import QUALITIES


class ReleaseShape(TypedDict):
    """A ruling in an answer."""

    at: datetime
    local_time: datetime
    by: int
    by_name: str
    reason: str
    released_at: datetime


class ScanShape(TypedDict):
    """A scan in an answer."""

    id: UUID
    machine: int
    machine_id: str | None
    machine_name: str | None
    site: int
    badge: str
    employee: int | None
    employee_id: str | None
    employee_name: str | None
    scan_time: datetime
    local_time: datetime
    device_time: str
    timezone: str
    scan_type: str
    state: str
    verify: str | None
    work_code: str | None
    record_no: str | None
    quality: str
    release: ReleaseShape | None
    is_processed: bool
    mode: str
    received_at: datetime
    raw_data: Any


def scan_shape(facts: ScanFacts) -> ScanShape:
    """A scan with every field kept, whose it is, and the ruling by which it counts."""
    return {
        "id": facts.id,
        "machine": facts.machine,
        "machine_id": facts.machine_code,
        "machine_name": facts.machine_name,
        "site": facts.site,
        "badge": facts.badge,
        "employee": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "scan_time": facts.at,
        "local_time": facts.local_at,
        "device_time": facts.device_time,
        "timezone": facts.zone,
        "scan_type": facts.type,
        "state": facts.state,
        "verify": facts.verify,
        "work_code": facts.work_code,
        "record_no": facts.record_no,
        "quality": facts.quality,
        "release": None if facts.release is None else release_shape(facts.release),
        "is_processed": facts.person_id is not None and (QUALITIES[facts.quality].counts or facts.release is not None),
        "mode": facts.mode,
        "received_at": facts.received_at,
        "raw_data": _NOTHING if facts.raw is None else msgspec.Raw(facts.raw.encode()),
    }


def release_shape(release: Release) -> ReleaseShape:
    """Who lets a scan count, why, and when it was: `local_time` is on the machine's wall clock."""
    return {
        "at": release.at,
        "local_time": release.wall_time,
        "by": release.by,
        "by_name": release.by_name,
        "reason": release.reason,
        "released_at": release.released_at,
    }


_NOTHING = msgspec.Raw(b"{}")
