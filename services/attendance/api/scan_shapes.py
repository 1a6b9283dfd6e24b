"""Scans, and rulings about them, as callers see them."""

from typing import Any

import msgspec

from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import Release
from services.attendance.domain.scans import QUALITIES


def scan_shape(facts: ScanFacts) -> dict[str, Any]:
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


def release_shape(release: Release) -> dict[str, Any]:
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
