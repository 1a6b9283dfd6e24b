"""What can be said about a machine behind a BioStar 2 server."""

import ssl
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.ingest.domain.reading import ScanType

Seconds = Annotated[float, Field(gt=0, le=3600)]
Key = Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]


class SupremaSettings(BaseModel):
    """The config of one machine behind a BioStar server. Address and port of the machine are those of the server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device_id: str = Field(
        default="",
        max_length=32,
        pattern=r"^[0-9]*$",
        description="The number that the server knows the machine by; without one the machine's serial number is it",
    )
    username: str = Field(default="admin", min_length=1, max_length=64, description="Login id of a user of the server")
    password: str = Field(default="", max_length=128, description="That user's password; never shown again")
    https: bool = Field(default=True, description="Speak HTTPS and wss; false only where nobody listens in")
    certificate: str = Field(
        default="",
        max_length=65_536,
        description="The certificate that the server must show, or its issuer's, as PEM; for one that it signed itself",
    )
    verify: bool = Field(default=True, description="False takes any certificate: whoever is in between reads passwords")
    live: bool = Field(default=True, description="False asks for new events again and again, and takes none by socket")
    datetime_is: Literal["utc", "device_local"] = Field(
        default="utc",
        description="utc: times are what their Z says; device_local: they are the machine's wall time with a Z behind",
    )
    keys: Mapping[Key, ScanType] = Field(
        default_factory=dict, max_length=32, description="What T&A keys mean, where that differs from 1–4"
    )
    page_size: int = Field(default=500, ge=2, le=10_000, description="Events asked for at once")
    connect_within: Seconds = Field(default=5, description="Seconds for the connection to stand")
    answer_within: Seconds = Field(default=10, description="Seconds for each answer")
    look_every: Seconds = Field(default=30, description="Seconds between searches for what is new")
    silent_after: Seconds = Field(default=300, description="Seconds without an event, until the socket is opened anew")

    @field_validator("certificate")
    @classmethod
    def _is_pem(cls, text: str) -> str:
        if text:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                raise ValueError("is no certificate in PEM form") from error
        return text
