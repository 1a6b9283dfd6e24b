"""Trying a machine's config on a sample of what it says, without the machine."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.ingest.api.models import Code
from services.ingest.application.machines import Changes, Machines
from services.ingest.application.ports import Registry
from services.ingest.application.samples import ReadsSamples, Sample
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading
from services.ingest.domain.scan import Naming
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid, Malformed, NotFound
from shared.kernel.identifiers import new_id
from shared.web.callers import HR
from shared.web.lists import json_response, known
from shared.web.scope import Scope

LARGEST = 65_536
"""Bytes of a sample."""


class SampleBody(BaseModel):
    """Some bytes, in one of three ways."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(max_length=LARGEST)] | None = Field(default=None, description="as UTF-8")
    hex: Annotated[str, StringConstraints(max_length=3 * LARGEST)] | None = Field(
        default=None, description="02 30 30; blanks do not count"
    )
    base64: Annotated[str, StringConstraints(max_length=2 * LARGEST)] | None = None

    def read(self) -> bytes:
        """The bytes.

        Raises:
            Malformed: they cannot be read, are too many, or were given in no way or in several.
        """
        if sum(way is not None for way in (self.text, self.hex, self.base64)) != 1:
            raise _bad("sample", "give one of text, hex and base64")
        try:
            if self.hex is not None:
                some = bytes.fromhex(self.hex)
            elif self.base64 is not None:
                some = base64.b64decode(self.base64, validate=True)
            else:
                some = (self.text or "").encode()
        except (ValueError, binascii.Error) as error:
            raise _bad("sample/hex" if self.hex is not None else "sample/base64", "cannot be read") from error
        if len(some) > LARGEST:
            raise _bad("sample", f"has {len(some):,} bytes; at most {LARGEST:,} are tried")
        return some


class PreviewBody(BaseModel):
    """A machine, known or not, its config, and what it says."""

    model_config = ConfigDict(extra="forbid")

    machine_id: Code | None = Field(default=None, description="With a machine that is known, scans have their ids")
    machine_type: str | None = Field(default=None, description="Needed where the machine is not known")
    zone: str | None = Field(default=None, description="IANA time zone of its clock")
    config: dict[str, Any] | None = Field(default=None, description="Else that of the known machine")
    sample: SampleBody


def preview_router(registry: Registry, machines: Machines, clock: Clock) -> APIRouter:
    """The route `/api/attendance/machines/preview/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    @router.post(
        "/preview/", summary="What a config makes of a sample of bytes: frames, scans, and what cannot be read"
    )
    async def preview(request: Request, body: PreviewBody, who: HR) -> Response:
        known(request)
        sample = body.sample.read()
        machine = await candidate(body, who.scope)
        driver = machines.driver_of(machine)
        if not isinstance(driver, ReadsSamples):
            detail = f"{machine.machine_type} speaks a protocol of its own: nothing is to be tried"
            raise Invalid(detail, fields={"machine_type": detail})
        return json_response(_shown(machine, driver.preview(machine, sample), clock))

    async def candidate(body: PreviewBody, scope: Scope) -> Machine:
        existing = await registry.one(body.machine_id, scope) if body.machine_id is not None else None
        if body.machine_id is not None and existing is None and body.machine_type is None:
            raise NotFound(f"there is no machine {body.machine_id!r}")
        if existing is None and body.machine_type is None:
            raise _bad("machine_type", "is needed where no machine is named")
        # A code that nobody has, where none was named: nothing is saved.
        changes: Changes = {"machine_id": existing.machine_id if existing else str(new_id())}
        if body.machine_type is not None:
            changes["machine_type"] = body.machine_type
        if body.zone is not None:
            changes["zone"] = body.zone
        if body.config is not None:
            changes["config"] = body.config
        async with registry.work() as work:
            return await machines.candidate(work, changes, scope)

    return router


def _shown(machine: Machine, sample: Sample, clock: Clock) -> dict[str, Any]:
    now = clock.now()
    naming = Naming(machine)

    def scans(readings: "tuple[Reading, ...]") -> list[dict[str, Any]]:
        batch = Batch(readings=readings, mode=Mode.REPLAY, received_at=now)
        return [
            {
                "id": str(scan.id) if machine.id else None,
                "badge": scan.reading.badge,
                "device_time": scan.reading.device_time,
                "time": scan.at,
                "quality": scan.quality.value,
                "type": scan.reading.type.value,
                "state": scan.reading.state,
                "verify": scan.reading.verify,
                "record_no": scan.reading.record_no,
            }
            for scan in naming.scans(batch)
        ]

    frames = [
        {
            "kind": frame.kind,
            "raw": frame.raw.hex(),
            "text": frame.raw.decode("utf-8", "backslashreplace"),
            "scans": scans(tuple(frame.readings)),
            "problems": list(frame.problems),
            "reply": frame.reply.hex(),
        }
        for frame in sample.frames
    ]
    return {
        "zone": machine.zone,
        "frames": frames,
        "scans": sum(len(frame.readings) for frame in sample.frames),
        "unreadable": sum(bool(frame.problems) for frame in sample.frames),
        "rest": sample.rest.hex(),
    }


def _bad(name: str, detail: str) -> Malformed:
    return Malformed(f"{name}: {detail}", fields={name: detail})
