"""What ingest tells others about machines and scans."""

from datetime import datetime

from services.ingest.domain.machine import Machine
from services.ingest.domain.scan import Scan
from shared.contracts.event import Version
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived


def machine_changed(machine: Machine, *, epoch: int, reports_by_itself: bool) -> MachineChanged:
    """The present state of a machine."""
    return MachineChanged(
        machine_id=machine.id,
        machine=machine.machine_id,
        name=machine.name,
        machine_type=machine.machine_type,
        site_id=machine.site_id,
        zone=machine.zone,
        department=machine.department_name or (str(machine.department) if machine.department is not None else None),
        location=machine.location or None,
        status=machine.status.value,
        reports_by_itself=reports_by_itself,
        is_connected=machine.is_connected,
        last_scan_at=machine.last_scan_at,
        reported_until=machine.reported_until,
        version=Version(epoch, machine.version),
        removed=machine.removed,
    )


def connected(machine: Machine, at: datetime) -> MachineConnected:
    """It is in contact."""
    return MachineConnected(machine_id=machine.id, machine=machine.machine_id, at=at)


def disconnected(machine: Machine, at: datetime, reason: str) -> MachineDisconnected:
    """It is away."""
    return MachineDisconnected(machine_id=machine.id, machine=machine.machine_id, at=at, reason=reason)


def error_occurred(machine: Machine, at: datetime, message: str) -> ErrorOccurred:
    """Something about it needs a person."""
    return ErrorOccurred(machine_id=machine.id, machine=machine.machine_id, at=at, message=message)


def scan_received(scan: Scan) -> ScanReceived:
    """A scan as others receive it."""
    machine, reading = scan.machine, scan.reading
    return ScanReceived(
        scan_id=scan.id,
        machine_id=machine.id,
        machine=machine.machine_id,
        site_id=machine.site_id,
        badge=reading.badge,
        device_time=reading.device_time,
        local_time=reading.local_time,
        zone=machine.zone,
        at=scan.at,
        quality=scan.quality.value,
        state=reading.state,
        type=reading.type.value,
        verify=reading.verify,
        work_code=reading.work_code,
        record_no=reading.record_no,
        received_at=scan.received_at,
        mode=scan.mode.value,
        raw=dict(reading.raw) if reading.raw is not None else None,
    )
