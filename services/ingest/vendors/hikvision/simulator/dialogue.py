"""What a terminal answers to somebody who may come in. Pure: a request in, a reply out. Source: PROTOCOLS §4.2–4.7."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.ingest.vendors.hikvision.simulator.device import Device, Entry, Host
from services.ingest.vendors.hikvision.simulator.encoding import (
    as_json,
    card_row,
    device_info,
    person_row,
    row,
    status,
    status_xml,
    system_status,
    time_document,
)
from services.ingest.vendors.hikvision.simulator.faults import Faults
from services.ingest.vendors.hikvision.simulator.http import JSON, Reply, Request

PAGE: Final = 30
"""Events that it gives at once, however many are wanted."""
UINT32: Final = 0xFFFFFFFF
INT32: Final = 0x7FFFFFFF
_HOSTS: Final = "/Event/notification/httpHosts"
_BOUNDARY: Final = 'multipart/mixed; boundary="MIME_boundary"'
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?")
_ELEMENT: Final = re.compile(r"<(\w+)>([^<]*)</\1>")


class Wrong(ValueError):
    """A question that it does not take: `sub` is the code, the message names the part."""

    def __init__(self, sub: str, about: str = "") -> None:
        super().__init__(about)
        self.sub = sub


class Dialogue:
    """The answers of one terminal. `pushes` is told when a push was set up, or ended."""

    def __init__(self, device: Device, faults: Faults, *, pushes: Callable[[int, Host | None], object]) -> None:
        self.device = device
        self.faults = faults
        self._pushes = pushes
        self._busy = 0

    def reply(self, request: Request) -> Reply:
        """The answer to a request."""
        if self._busy < self.faults.busy and request.path.startswith("/ISAPI/AccessControl"):
            self._busy += 1
            return Reply(status=503, body=status(2, "Device Busy", "deviceBusy"), kind=JSON)
        path = request.path.removeprefix("/ISAPI")
        if path.startswith(_HOSTS) and request.method in ("PUT", "POST", "DELETE"):
            return self._hosts(request.method, path, request.body)
        known = self._KNOWN.get((request.method, path))
        return known(self, request) if known is not None else _not_supported()

    def _device_info(self, _: Request) -> Reply:
        return Reply(body=device_info(self.device))

    def _status(self, _: Request) -> Reply:
        return Reply(body=system_status())

    def _time(self, _: Request) -> Reply:
        return Reply(body=time_document(self.device, bare=self.faults.bare_times))

    def _set_time(self, request: Request) -> Reply:
        """The zone is the one that it has: who sends another one means another machine."""
        if self.faults.no_setting:
            return Reply(status=403, body=status_xml(4, "Invalid Operation", "lowPrivilege"))
        if not request.body.lstrip().startswith(b"<"):
            return Reply(status=400, body=status_xml(5, "Invalid Format", "badXmlFormat"))
        said = dict(_ELEMENT.findall(request.body.decode("utf-8", "replace")))
        shape = _TIME.fullmatch(said.get("localTime", ""))
        own = dict(_ELEMENT.findall(time_document(self.device, bare=self.faults.bare_times).decode()))
        if shape is None or said.get("timeMode") != "manual" or said.get("timeZone") != own["timeZone"]:
            return Reply(status=400, body=status_xml(6, "Invalid Content", "badXmlContent"))
        if shape[1] and not own["localTime"].endswith(shape[1]):
            return Reply(status=400, body=status_xml(6, "Invalid Content", "badXmlContent"))
        self.device.ntp = False
        self.device.set_clock(datetime.fromisoformat(said["localTime"][:19]))
        return Reply(body=status_xml(1, "OK", "ok"))

    def _stream(self, _: Request) -> Reply:
        if self.faults.no_stream:
            return _not_supported()
        return Reply(kind="multipart/mixed" if self.faults.no_boundary else _BOUNDARY, endless=True)

    # The log

    def _capabilities(self, _: Request) -> Reply:
        if self.faults.no_log:
            return _not_supported()
        limits = {"AcsEventCond": {"searchID": {"@min": 1, "@max": 36}, "maxResults": {"@min": 1, "@max": PAGE}}}
        return Reply(body=as_json({"AcsEvent": limits}), kind=JSON)

    def _events(self, request: Request) -> Reply:
        if self.faults.no_log:
            return _not_supported()
        try:
            condition = _condition(request.body, "AcsEventCond", needs=("searchID", "major"))
            chosen = self._chosen(condition)
        except Wrong as wrong:
            return Reply(status=400, body=status(6, "Invalid Content", wrong.sub, str(wrong)), kind=JSON)
        return Reply(body=as_json({"AcsEvent": self._page(condition, chosen)}), kind=JSON)

    def _no_query(self, _: Request) -> Reply:
        return Reply(status=405, body=status(4, "Invalid Operation", "methodNotAllowed"), kind=JSON)

    def _chosen(self, condition: Mapping[str, Any]) -> Sequence[Entry]:
        """What a question means, in order of time, which is not the order of the numbers."""
        if not condition["major"]:
            raise Wrong("badJsonContent", "major")
        entries = [entry for entry in self.device.entries if entry.major == condition["major"]]
        if condition.get("minor"):
            entries = [entry for entry in entries if entry.minor == condition["minor"]]
        if "beginSerialNo" in condition or "endSerialNo" in condition:
            first, last = self._serials(condition)
            if not self.faults.ignores_serials:
                entries = [entry for entry in entries if first <= entry.serial <= last]
        if "startTime" in condition or "endTime" in condition:
            start, end = self._times(condition)
            entries = [entry for entry in entries if start <= entry.wall <= end]
        entries.sort(key=lambda entry: (entry.wall, entry.serial), reverse=bool(condition.get("timeReverseOrder")))
        return entries

    def _serials(self, condition: Mapping[str, Any]) -> tuple[int, int]:
        if self.faults.no_serials:
            raise Wrong("badJsonContent", "beginSerialNo")
        for name in ("beginSerialNo", "endSerialNo"):
            value = condition.get(name)
            if value is None:
                raise Wrong("MessageParametersLack", name)
            if not isinstance(value, int) or not 0 < value <= (INT32 if self.faults.small_serials else UINT32):
                raise Wrong("badJsonContent", name)
        return condition["beginSerialNo"], condition["endSerialNo"]

    def _times(self, condition: Mapping[str, Any]) -> tuple[datetime, datetime]:
        """Times are compared by the wall: in one zone that is the same."""
        found: list[datetime] = []
        for name in ("startTime", "endTime"):
            value = str(condition.get(name, ""))
            shape = _TIME.fullmatch(value)
            if self.faults.no_times or shape is None or bool(shape[1]) is self.faults.bare_times:
                raise Wrong("badJsonContent", name)
            found.append(datetime.fromisoformat(value[:19]))
        return found[0], found[1]

    def _page(self, condition: Mapping[str, Any], chosen: Sequence[Entry]) -> Mapping[str, Any]:
        position = 0 if self.faults.same_page else int(condition.get("searchResultPosition", 0))
        taken = chosen[position : position + min(int(condition.get("maxResults", PAGE)), PAGE)]
        more = position + len(taken) < len(chosen)
        page: dict[str, Any] = {"searchID": condition["searchID"], "numOfMatches": len(taken)}
        if not self.faults.no_totals:
            page["totalMatches"] = len(chosen)
        if more or not self.faults.odd_status:
            page["responseStatusStrg"] = "MORE" if more else "OK" if taken else "NO MATCH"
        elif not taken:
            page["responseStatusStrg"] = "NO_MATCHES"
        if taken:
            page["InfoList"] = [
                row(entry, numbered=not self.faults.unnumbered, bare=self.faults.bare_times) for entry in taken
            ]
        return page

    # The people

    def _people(self, request: Request) -> Reply:
        rows = [person_row(person) for person in self.device.people.values()]
        return self._found(request, "UserInfoSearch", "UserInfo", rows, refuses=self.faults.no_users)

    def _cards(self, request: Request) -> Reply:
        rows = [card_row(person.number, card) for person in self.device.people.values() for card in person.cards]
        return self._found(request, "CardInfoSearch", "CardInfo", rows, refuses=self.faults.no_cards)

    def _found(
        self, request: Request, root: str, name: str, rows: Sequence[Mapping[str, Any]], *, refuses: bool
    ) -> Reply:
        if refuses:
            return _not_supported()
        try:
            condition = _condition(
                request.body, f"{root}Cond", needs=("searchID", "searchResultPosition", "maxResults")
            )
        except Wrong as wrong:
            return Reply(status=400, body=status(6, "Invalid Content", wrong.sub, str(wrong)), kind=JSON)
        wanted = [one.get("employeeNo") for one in condition.get("EmployeeNoList", [])]
        chosen = [row for row in rows if not wanted or row["employeeNo"] in wanted]
        position = 0 if self.faults.same_page else int(condition["searchResultPosition"])
        taken = chosen[position : position + min(int(condition["maxResults"]), PAGE)]
        more = position + len(taken) < len(chosen)
        page: dict[str, Any] = {
            "searchID": condition["searchID"],
            "responseStatusStrg": "MORE" if more else "OK" if taken else "NO MATCH",
            "numOfMatches": len(taken),
            "totalMatches": len(chosen),
        }
        if taken:
            page[name] = taken
        return Reply(body=as_json({root: page}), kind=JSON)

    # The push

    def _hosts(self, method: str, path: str, body: bytes) -> Reply:
        slot = path.removeprefix(_HOSTS).strip("/")
        if method == "DELETE":
            self._pushes(int(slot or 1), None)
            return Reply(body=status_xml(1, "OK", "ok"))
        if not body.lstrip().startswith(b"<"):
            return Reply(status=400, body=status_xml(5, "Invalid Format", "badXmlFormat"))
        said = dict(_ELEMENT.findall(body.decode("utf-8", "replace")))
        try:
            host = Host(host=said["ipAddress"], port=int(said["portNo"]), path=said["url"])
            self._pushes(int(slot or said.get("id", "1")), host)
        except (KeyError, ValueError):
            return Reply(status=400, body=status_xml(6, "Invalid Content", "badXmlContent"))
        return Reply(body=status_xml(1, "OK", "ok"))

    _KNOWN: Final[Mapping[tuple[str, str], Callable[["Dialogue", Request], Reply]]] = {
        ("GET", "/System/deviceInfo"): _device_info,
        ("GET", "/System/status"): _status,
        ("GET", "/System/time"): _time,
        ("PUT", "/System/time"): _set_time,
        ("GET", "/AccessControl/AcsEvent/capabilities"): _capabilities,
        ("POST", "/AccessControl/AcsEvent"): _events,
        ("GET", "/AccessControl/AcsEvent"): _no_query,
        ("POST", "/AccessControl/UserInfo/Search"): _people,
        ("POST", "/AccessControl/CardInfo/Search"): _cards,
        ("GET", "/Event/notification/alertStream"): _stream,
    }


def _not_supported() -> Reply:
    return Reply(status=404, body=status_xml(4, "Invalid Operation", "notSupport"))


def _condition(body: bytes, name: str, *, needs: Sequence[str]) -> Mapping[str, Any]:
    try:
        condition = json.loads(body)[name]
    except (ValueError, KeyError, TypeError):
        raise Wrong("badJsonFormat") from None
    for member in needs:
        if member not in condition:
            raise Wrong("MessageParametersLack", member)
    return dict(condition)
