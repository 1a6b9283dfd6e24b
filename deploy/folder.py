"""What a data folder holds beside the database: secrets, and where the running system is."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the Muster that was last started on a data folder is reached."""

    database_url: str
    http_url: str
    live_url: str


class DataFolder:
    """Its files are for the owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._secret = self.path / "secret"
        self._password = self.path / "admin-password"
        self._address = self.path / "address.json"

    @property
    def is_new(self) -> bool:
        """True until a secret was made in it."""
        return not self._secret.exists()

    def secret(self) -> str:
        """The secret that signs tokens; made at the first start."""
        if self.is_new:
            self._write(self._secret, secrets.token_hex(32))
        return self._secret.read_text("ascii").strip()

    def first_password(self) -> str | None:
        """A generated password of `admin`, until `forget_password`: that is, until somebody has been told it."""
        if self.is_new:
            self._write(self._password, secrets.token_urlsafe(12))
        return self._password.read_text("ascii").strip() if self._password.exists() else None

    def forget_password(self) -> None:
        """From now on only whoever was told knows it."""
        self._password.unlink(missing_ok=True)

    def tell_address(self, address: Address) -> None:
        """Let commands on this machine find the running system."""
        self._write(self._address, json.dumps(asdict(address)))

    def address(self) -> Address:
        """Where it runs, or ran last.

        Raises:
            NotFound: nothing was ever started here, or we may not read it.
        """
        try:
            return Address(**json.loads(self._address.read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise NotFound(f"No Muster was started on the data folder {self.path}.") from error

    def _write(self, file: Path, text: str) -> None:
        half = file.with_suffix(".new")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
            handle.write(text)
        half.replace(file)
