"""Who may come in: digest authentication as a terminal does it, and the lock on whoever guesses. Pure."""

from collections.abc import Callable, Mapping

from services.ingest.vendors.hikvision.digest import Challenge, digest, fields
from services.ingest.vendors.hikvision.simulator.device import Device
from services.ingest.vendors.hikvision.simulator.encoding import status_xml, unauthorized
from services.ingest.vendors.hikvision.simulator.faults import Faults
from services.ingest.vendors.hikvision.simulator.http import Reply, Request

REALM = "IP Camera(C7321)"


class Gate:
    """One terminal's. `nonce` makes one that was never given before."""

    def __init__(self, device: Device, faults: Faults, nonce: Callable[[], str]) -> None:
        self.faults = faults
        self._device = device
        self._nonce = nonce
        self._uses: dict[str, set[str]] = {}

    def refuses(self, request: Request) -> Reply | None:
        """The answer to somebody who may not come in; None where they may."""
        said = fields(request.headers.get("authorization", ""))
        if self._device.locked_for or self.faults.basic_only or "response" not in said:
            return self._challenge()
        uses = self._uses.setdefault(said.get("nonce", ""), set())
        if not self._is_right(request, said):
            self._device.wrong_password()
            return self._challenge()
        count = said.get("nc", "")
        allowed = 1 if self.faults.one_shot_nonce else self.faults.stale or 1_000_000
        if count in uses or len(uses) >= allowed:
            return self._challenge(stale=not self.faults.one_shot_nonce)
        uses.add(count)
        self._device.right_password()
        if self.faults.forbidden:
            return Reply(status=403, body=status_xml(4, "Invalid Operation", "lowPrivilege"))
        return None

    def _is_right(self, request: Request, said: Mapping[str, str]) -> bool:
        device = self._device
        challenge = Challenge(realm=REALM, nonce=said.get("nonce", ""), qop="auth")
        expected = digest(
            challenge,
            username=device.username,
            password=device.password,
            method=request.method,
            uri=request.target,
            nc=said.get("nc", ""),
            cnonce=said.get("cnonce", ""),
        )
        return said["response"] == expected and said.get("username") == device.username

    def _challenge(self, *, stale: bool = False) -> Reply:
        header = f'Digest realm="{REALM}", nonce="{self._nonce()}", qop="auth", opaque="799d5"'
        if self.faults.basic_only:
            header = f'Basic realm="{REALM}"'
        elif stale:
            header += ", stale=TRUE"
        return Reply(status=401, body=unauthorized(self._device), headers={"WWW-Authenticate": header})
