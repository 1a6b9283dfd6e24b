"""Which service answers a path."""

OWN = "gateway"

ROUTES: tuple[tuple[str, str], ...] = (
    ("/api/auth/", OWN),
    ("/api/users/", OWN),
    ("/api/notifications/", OWN),
    ("/api/api-keys/", OWN),
    ("/api/audit/", OWN),
    ("/api/attendance/machines/", "ingest"),
    ("/api/attendance/scans/import/", "ingest"),
    ("/api/ingest/", "ingest"),
    ("/iclock/", "ingest"),
    ("/hikvision/", "ingest"),
    ("/api/attendance/leave-", "leave"),
    ("/api/attendance/holidays/", "leave"),
    ("/api/leave/", "leave"),
    ("/api/reports/", "reports"),
    ("/api/attendance/", "attendance"),
)
"""The first prefix that fits decides."""

SERVICES = tuple(dict.fromkeys(service for _, service in ROUTES if service != OWN))


def service_of(path: str) -> str | None:
    """The service behind `path`, or None where there is none."""
    return next((service for prefix, service in ROUTES if path.startswith(prefix)), None)


def with_slash(path: str) -> str:
    """A path of the API as it is known: all of them end in a slash, and not every client writes it."""
    return f"{path}/" if path.startswith("/api/") and not path.endswith("/") else path
