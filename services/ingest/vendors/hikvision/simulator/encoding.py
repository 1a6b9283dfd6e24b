"""What a terminal writes: events in their forms, what it says of itself, and its refusals. Pure.

Written from PROTOCOLS §4 alone and not from what reads it, so that a mistake on one side shows.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from xml.sax.saxutils import escape

from services.ingest.vendors.hikvision.simulator.device import Device, Entry, Person

NAMESPACE: Final = "http://www.isapi.org/ver20/XMLSchema"
JPEG: Final = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8 + b"\r\n--MIME_boundary\r\n" + b"\xff\xd9"
"""A picture, with bytes in it that look like the end of its part."""


def time_text(entry: Entry, *, bare: bool = False) -> str:
    """When it happened; `bare` without an offset."""
    return entry.wall.isoformat(timespec="seconds") + ("" if bare else offset_text(entry.offset))


def offset_text(offset: timedelta) -> str:
    """As it stands behind a time: `+05:30`."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def row(entry: Entry, *, numbered: bool = True, bare: bool = False) -> dict[str, Any]:
    """An event as a search gives it."""
    written: dict[str, Any] = {
        "major": entry.major,
        "minor": entry.minor,
        "time": time_text(entry, bare=bare),
        "cardReaderNo": 1,
        "doorNo": 1,
        "type": 0,
    }
    if numbered:
        written["serialNo"] = entry.serial
    if entry.person:
        written |= {"name": f"User {entry.person}", "employeeNoString": entry.person, "userType": "normal"}
    if entry.card:
        written["cardNo"] = entry.card
    return written | {
        "currentVerifyMode": "cardOrFaceOrFp",
        "attendanceStatus": entry.status,
        "label": "",
        "mask": "no",
    }


def event(entry: Entry, device: Device, *, stored: bool = False) -> dict[str, Any]:
    """An event as the stream and the push tell it."""
    inner: dict[str, Any] = {
        "deviceName": "Access Controller",
        "majorEventType": entry.major,
        "subEventType": entry.minor,
        "cardReaderKind": 1,
        "cardReaderNo": 1,
        "verifyNo": entry.serial,
        "serialNo": entry.serial,
        "frontSerialNo": entry.serial - 1,
        "currentVerifyMode": "cardOrFaceOrFp",
        "currentEvent": not stored,
        "attendanceStatus": entry.status,
        "label": "",
        "statusValue": 0,
        "mask": "no",
    }
    if entry.person:
        inner |= {"employeeNoString": entry.person, "name": f"User {entry.person}", "userType": "normal"}
    if entry.card:
        inner["cardNo"] = entry.card
    return _alert(device, "AccessControllerEvent", time_text(entry), "active") | {"AccessControllerEvent": inner}


def person_row(person: Person) -> dict[str, Any]:
    """One of its people as a search gives them, with what nobody else should know."""
    return {
        "employeeNo": person.number,
        "name": person.name,
        "userType": "normal",
        "closeDelayEnabled": False,
        "Valid": {"enable": False, "beginTime": "", "endTime": "", "timeType": "local"},
        "belongGroup": "",
        "password": person.password,
        "doorRight": "1",
        "RightPlan": [{"doorNo": 1, "planTemplateNo": "1"}],
        "localUIRight": person.admin,
        "userVerifyMode": "",
        "numOfCard": len(person.cards),
        "numOfFP": 1,
        "numOfFace": 1,
        "faceURL": f"http://127.0.0.1/LOCALS/pic/enrlFace/{person.number}.jpg@WEB000000000001",
    }


def card_row(number: str, card: str) -> dict[str, Any]:
    """A card as a search gives it."""
    return {"employeeNo": number, "cardNo": card, "cardType": "normalCard", "leaderCard": ""}


def heartbeat(device: Device) -> dict[str, Any]:
    """That it is there, and nothing else."""
    return _alert(device, "heartBeat", _now(device), "active")


def as_json(document: Mapping[str, Any]) -> bytes:
    """With tabs, as terminals write it."""
    return json.dumps(document, indent="\t", ensure_ascii=False).encode()


def as_xml(document: Mapping[str, Any]) -> bytes:
    """An alert in XML, as intercoms and cameras write it."""
    return (
        f'<EventNotificationAlert version="2.0" xmlns="{NAMESPACE}">{_xml(document)}</EventNotificationAlert>'.encode()
    )


def camera_heartbeat(device: Device) -> bytes:
    """What older machines send instead of a heartbeat; its empty elements have torn other clients down."""
    document = _alert(device, "videoloss", _now(device), "inactive")
    return as_xml({**document, "activePostCount": "", "channelID": "", "dynChannelID": ""})


def device_info(device: Device) -> bytes:
    """Which machine it is, in XML whatever was asked for."""
    return _document(
        "DeviceInfo",
        {
            "deviceName": "Access Controller",
            "deviceID": "255",
            "model": device.model,
            "serialNumber": device.serial,
            "macAddress": device.mac,
            "firmwareVersion": device.firmware,
            "firmwareReleasedDate": "build 260101",
            "deviceType": "ACS",
        },
    )


def system_status() -> bytes:
    """What some clients ask for first."""
    return _document("DeviceStatus", {"currentDeviceTime": "", "deviceUpTime": 4711})


def time_document(device: Device, *, bare: bool) -> bytes:
    """Its time; the sign of its zone is the wrong way round, as POSIX has it."""
    offset = offset_text(device.offset())
    hours, _, minutes = offset[1:].partition(":")
    return _document(
        "Time",
        {
            "timeMode": "NTP" if device.ntp else "manual",
            "localTime": device.wall().isoformat(timespec="seconds") + ("" if bare else offset),
            "timeZone": f"CST{'+' if offset[0] == '-' else '-'}{int(hours)}:{minutes}:00",
        },
    )


def status(code: int, text: str, sub: str, about: str = "") -> bytes:
    """Why it refuses, in JSON."""
    return as_json({"statusCode": code, "statusString": text, "subStatusCode": sub, "errorCode": 1, "errorMsg": about})


def status_xml(code: int, text: str, sub: str) -> bytes:
    """The same in XML."""
    return _document("ResponseStatus", {"statusCode": code, "statusString": text, "subStatusCode": sub})


def unauthorized(device: Device) -> bytes:
    """The body of a 401, which tells of the lock."""
    locked = device.locked_for
    said: dict[str, Any] = {
        "statusValue": 401,
        "statusString": "Unauthorized",
        "isDefaultPassword": "false",
        "lockStatus": "locked" if locked else "unlock",
    }
    said |= {"unlockTime": round(locked.total_seconds())} if locked else {"retryLoginTime": device.tries_left}
    return _document("userCheck", said)


def part(body: bytes, kind: str | None, *, length: bool = True, name: str = "") -> bytes:
    """A part of a multipart, its boundary before it."""
    head = "--MIME_boundary\r\n"
    if name:
        filename = '; filename="Picture.jpg"' if name == "Picture" else ""
        head += f'Content-Disposition: form-data; name="{name}"{filename}\r\n'
    if kind is not None:
        head += f"Content-Type: {kind}\r\n"
    if length:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body + b"\r\n"


def _alert(device: Device, kind: str, when: str, state: str) -> dict[str, Any]:
    return {
        "ipAddress": "127.0.0.1",
        "portNo": 80,
        "protocol": "HTTP",
        "macAddress": device.mac,
        "channelID": 1,
        "dateTime": when,
        "activePostCount": 1,
        "eventType": kind,
        "eventState": state,
        "eventDescription": kind,
    }


def _now(device: Device) -> str:
    return device.wall().isoformat(timespec="seconds") + offset_text(device.offset())


def _document(name: str, members: Mapping[str, Any]) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} version="2.0" xmlns="{NAMESPACE}">'
    return f"{head}{_xml(members)}</{name}>\n".encode()


def _xml(members: Mapping[str, Any]) -> str:
    return "".join(f"\n<{name}>{_value(value)}</{name}>" for name, value in members.items()) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _xml(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
