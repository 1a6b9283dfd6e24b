"""Whether a browser's page may act with the cookie that the browser sends along."""

from collections.abc import Collection
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def same_origin(origin: str, host: str) -> bool:
    """True where the page came from the very address that it now calls: host and port.

    The scheme is left out: a proxy in front may have taken TLS off.
    """
    page = _parts(origin)
    if page is None:
        return False
    scheme, name, port = page
    called = _parts(f"{scheme}://{host}")
    return called is not None and called[1:] == (name, port)


def same_host(origin: str, host: str) -> bool:
    """True where the page came from the same host, on any port. Cookies do not tell ports apart either."""
    page, called = _parts(origin), _parts(f"http://{host}")
    return page is not None and called is not None and page[1] == called[1]


def allowed(origin: str, host: str, configured: Collection[str], *, any_port: bool) -> bool:
    """True for a page of ours, and for one from an origin that was configured."""
    ours = same_host(origin, host) if any_port else same_origin(origin, host)
    return ours or origin in configured


def _parts(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no web origin, such as `null`."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]
