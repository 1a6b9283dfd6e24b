"""The HTTP API of attendance (API.md, sections 1 and 3).

Each module has a `router(use cases) -> APIRouter`, and `wiring` calls all of them: `days` (summary, timesheet, records,
explanations, statistics), `people` (employees, departments, import, badges that find their person), `scans` (raw
scans, unknown badges), `status` (system status), `schedules` (shifts, schedules, the roster), `settings` (of sites,
units and people). All of it lies under `/api/attendance/`.
"""
