"""Bodies of calls: read up to a limit, or counted line by line without being held; archives opened."""

import io
import tarfile
import zlib
from collections.abc import AsyncIterator
from typing import Final

from shared.kernel.errors import Malformed

MOST: Final = 8 << 20
"""Bytes. Batches have a few hundred lines; templates, which come among operations, may reach megabytes."""


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    """All of a body.

    Raises:
        Malformed: it is larger than any that a machine sends.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MOST:
            raise Malformed(f"the body has more than {MOST:,} bytes")
    return bytes(body)


async def lines_in(chunks: AsyncIterator[bytes]) -> int:
    """How many lines a body has, none of which is kept."""
    count, open_line = 0, False
    async for chunk in chunks:
        for number, piece in enumerate(chunk.split(b"\n")):
            if number:
                count += open_line
                open_line = False
            open_line = open_line or bool(piece.strip(b" \t\r\0"))
    return count + open_line


def unpacked(body: bytes) -> bytes:
    """The lines in a tar archive that was compressed.

    Raises:
        Malformed: it cannot be opened, or is larger than any that a machine sends.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(body)), mode="r:") as archive:
            members = [member for member in archive if member.isfile()]
            # One that is sparse says a size that it does not have.
            if sum(member.size for member in members) > MOST:
                raise Malformed(f"the archive holds more than {MOST:,} bytes")
            files = [archive.extractfile(member) for member in members]
            return b"\n".join(file.read() for file in files if file is not None)
    except (tarfile.TarError, zlib.error, ValueError, OSError, EOFError) as error:
        raise Malformed(f"the archive cannot be opened: {error}") from error


def _inflated(body: bytes) -> bytes:
    inflating = zlib.decompressobj(wbits=31)
    data = inflating.decompress(body, MOST)
    if inflating.unconsumed_tail:
        raise Malformed(f"the archive holds more than {MOST:,} bytes")
    return data
