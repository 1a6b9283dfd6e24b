"""What a BioStar server answers to a request. No I/O."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.ingest.vendors.suprema.simulator.faults import Faults
from services.ingest.vendors.suprema.simulator.store import Store

SESSION: Final = "bs-session-id"
GOOD: Final[Mapping[str, Any]] = {"Response": {"code": "0", "link": "", "message": "Success"}}
"""What it says of everything that went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, read."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Their names in small letters."""
    query: Mapping[str, str] = field(default_factory=dict)
    """What stands behind the path's question mark."""
    body: bytes = b""
    head: bytes = b""
    """Its head as it came, with the empty line."""

    @property
    def json(self) -> Mapping[str, Any]:
        """Its object; an empty one where it has none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=lambda: GOOD)
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialogue:
    """Answers for one server."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self.starts: list[str] = []
        """Sessions that have just asked for events; for whoever holds the sockets."""
        self._used: Counter[str] = Counter()

    def reply(self, request: Request) -> Reply:
        """What it answers."""
        if request.method == "POST" and request.path == "/api/login":
            return self._login(request)
        known = (("POST", "/api/events/search"), ("POST", "/api/events/start"), ("GET", "/api/users"))
        if (request.method, request.path) not in known:
            return _refused(404, "404", "Not found")
        session = request.headers.get(SESSION, "")
        if self._expired(session):
            return _refused(401, "10", "Login required")
        if self.faults.forbidden:
            return _refused(403, "30", "Permission denied")
        if request.path == "/api/events/start":
            self.starts.append(session)
            return Reply()
        return self._people(request) if request.path == "/api/users" else self._search(request)

    def knows(self, session: str) -> bool:
        """Whether it is logged in."""
        return session in self.store.sessions

    def _login(self, request: Request) -> Reply:
        user = request.json.get("User")
        asked = user if isinstance(user, Mapping) else {}
        session = self.store.login(asked.get("login_id"), asked.get("password"))
        if session is None and self.store.locked:
            return _refused(401, "20", "The account has been locked")
        if session is None:
            return _refused(401, "101", "Invalid login id or password")
        cookie = {"Set-Cookie": f"{SESSION}={session}; Path=/; HttpOnly"}
        headers = cookie if self.faults.cookie_only else {"BS-Session-Id": session, **cookie}
        return Reply(body={"User": {"user_id": "1", "login_id": self.store.username}, **GOOD}, headers=headers)

    def _expired(self, session: str) -> bool:
        if not self.knows(session) or self.faults.never_logged_in:
            return True
        self._used[session] += 1
        if self.faults.expires and self._used[session] > self.faults.expires:
            self.store.sessions.discard(session)
            return True
        return False

    def _people(self, request: Request) -> Reply:
        if self.faults.no_users:
            return _refused(400, "65535", "Bad request")
        offset = 0 if self.faults.ignores_offset else _whole(request.query.get("offset", ""))
        rows = self.store.shown_people(offset=offset, limit=_whole(request.query.get("limit", "")))
        return Reply(body={"UserCollection": {"total": str(len(self.store.people)), "rows": rows}, **GOOD})

    def _search(self, request: Request) -> Reply:
        query = request.json.get("Query")
        if self.faults.no_search or not isinstance(query, Mapping):
            return _refused(400, "65535", "Bad request")
        conditions = query.get("conditions") or []
        if self.faults.no_id and any(one.get("column") == "id" for one in conditions):
            return _refused(400, "121", "Invalid column id")
        if self.faults.no_times and any(one.get("column") == "datetime" for one in conditions):
            return _refused(400, "121", "Invalid column datetime")
        ignores: tuple[str, ...] = ("id",) if self.faults.ignores_id else ()
        if self.faults.ignores_keys:
            ignores = ("id", "server_datetime", "datetime")
        rows = [self.store.shown(row) for row in self.store.find(query, ignores=ignores)]
        return Reply(body={"EventCollection": {"rows": rows}, **GOOD} if rows else GOOD)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _refused(status: int, code: str, message: str) -> Reply:
    return Reply(status=status, body={"Response": {"code": code, "link": "", "message": message}})
