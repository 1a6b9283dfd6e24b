"""Checksums at the end of frames. Pure."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["xor", "sum8", "crc16_modbus", "crc16_ccitt", "crc16_x25"]


class Checksum(BaseModel):
    """How a frame shows that it is whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "xor"
    form: Literal["binary", "hex"] = Field(default="binary", description="As bytes, or as hexadecimal digits")
    order: Literal["big", "little"] = Field(default="big", description="Of the two bytes of a CRC")

    @property
    def size(self) -> int:
        """Bytes that it takes in a frame."""
        return (2 if self.kind.startswith("crc16") else 1) * (2 if self.form == "hex" else 1)

    def of(self, covered: bytes) -> bytes:
        """As it stands in the frame."""
        if self.kind == "xor":
            number = 0
            for byte in covered:
                number ^= byte
            raw = bytes([number])
        elif self.kind == "sum8":
            raw = bytes([sum(covered) & 0xFF])
        else:
            raw = _crc16(self.kind, covered).to_bytes(2, self.order)
        return raw.hex().upper().encode() if self.form == "hex" else raw

    def fits(self, covered: bytes, told: bytes) -> bool:
        """Whether `told`, as it stands in the frame, is right."""
        return self.of(covered) == (told.upper() if self.form == "hex" else told)


def _table(polynomial: int, *, reflected: bool) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte if reflected else byte << 8
        for _ in range(8):
            if reflected:
                value = value >> 1 ^ (polynomial if value & 1 else 0)
            else:
                value = (value << 1 ^ (polynomial if value & 0x8000 else 0)) & 0xFFFF
        table.append(value)
    return tuple(table)


_MODBUS: Final = _table(0xA001, reflected=True)
_X25: Final = _table(0x8408, reflected=True)
_CCITT: Final = _table(0x1021, reflected=False)


def _crc16(kind: Kind, covered: bytes) -> int:
    value = 0xFFFF
    if kind == "crc16_ccitt":
        for byte in covered:
            value = (value << 8 ^ _CCITT[value >> 8 ^ byte]) & 0xFFFF
        return value
    table = _MODBUS if kind == "crc16_modbus" else _X25
    for byte in covered:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF if kind == "crc16_x25" else value
