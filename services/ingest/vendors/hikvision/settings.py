"""What can be said about a Hikvision terminal."""

import ssl
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Seconds = Annotated[float, Field(gt=0, le=3600)]


class HikvisionSettings(BaseModel):
    """The config of a terminal that speaks ISAPI. Its address and port are the machine's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(default="admin", min_length=1, max_length=64, description="A user of the terminal")
    password: str = Field(default="", max_length=128, description="That user's password; never shown again")
    https: bool = Field(default=False, description="Speak HTTPS, usually on port 443")
    certificate: str = Field(
        default="",
        max_length=65_536,
        description="With https: the certificate that it must show, or its issuer's, as PEM; without one any is taken",
    )
    live: bool = Field(default=True, description="False asks for its log again and again instead of taking events")
    times: Literal["offset", "wall"] = Field(
        default="offset",
        description="offset: scans happened when their time and its offset say; wall: the offset is wrong, and the"
        " machine's zone counts",
    )
    record_capacity: int = Field(
        default=0, ge=0, le=10_000_000, description="Events that its log holds, by its data sheet; 0 where unknown"
    )
    connect_within: Seconds = Field(default=5, description="Seconds for the connection to stand")
    answer_within: Seconds = Field(default=10, description="Seconds for each answer")
    look_every: Seconds = Field(default=30, description="Seconds between looks at its clock and its log")
    silent_after: Seconds = Field(default=60, description="Seconds without a heartbeat, where it had sent any")
    set_clock: bool = Field(
        default=False,
        description="True sets its clock by ours where it is more than 5 s wrong, unless it keeps it by NTP",
    )

    push: bool | None = Field(default=None, description="It calls us; false refuses it, null waits for it to")
    push_key: str = Field(
        default="",
        max_length=100,
        pattern=r"^[^/?#%\x00-\x20]*$",
        description="What it shows then, in the path that it calls; without one nothing is taken",
    )
    silent_for: Seconds = Field(default=300, description="Seconds without a call after which it is away")

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.push and not self.push_key:
            raise ValueError("push needs a push_key: a machine that calls proves itself by nothing else")
        return self

    @field_validator("certificate")
    @classmethod
    def _is_pem(cls, text: str) -> str:
        if text:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                raise ValueError("is no certificate in PEM form") from error
        return text
