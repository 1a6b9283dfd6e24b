import pytest

from services.gateway.domain.routing import service_of, with_slash


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/attendance/machines/", "ingest"),
        ("/api/attendance/machines/7/test/", "ingest"),
        ("/api/attendance/scans/import/", "ingest"),
        ("/api/attendance/scans/", "attendance"),
        ("/api/ingest/scans/", "ingest"),
        ("/iclock/cdata", "ingest"),
        ("/hikvision/events/ABC", "ingest"),
        ("/api/attendance/leave-policies/", "leave"),
        ("/api/attendance/leave-requests/x/approve/", "leave"),
        ("/api/attendance/holidays/", "leave"),
        ("/api/attendance/holidays/3/", "leave"),
        ("/api/leave/calendar/", "leave"),
        ("/api/reports/runs/", "reports"),
        ("/api/auth/token/", "gateway"),
        ("/api/users/", "gateway"),
        ("/api/notifications/", "gateway"),
        ("/api/api-keys/", "gateway"),
        ("/api/audit/", "gateway"),
        ("/api/attendance/daily-attendance/summary/", "attendance"),
        ("/api/attendance/employees/", "attendance"),
        ("/api/attendance/machinesque/", "attendance"),
        ("/api/nowhere/", None),
        ("/", None),
    ],
)
def test_each_path_has_its_service(path: str, service: str | None) -> None:
    assert service_of(path) == service


@pytest.mark.parametrize(
    ("path", "known_as"),
    [
        ("/api/attendance/holidays", "/api/attendance/holidays/"),
        ("/api/attendance/holidays/", "/api/attendance/holidays/"),
        ("/iclock/cdata", "/iclock/cdata"),
        ("/docs", "/docs"),
        ("/", "/"),
    ],
)
def test_paths_of_the_api_end_in_a_slash(path: str, known_as: str) -> None:
    assert with_slash(path) == known_as
