"""Identifiers that we make ourselves."""

import secrets
import time
from uuid import UUID


def new_id() -> UUID:
    """A random identifier that sorts by the time it was made (UUID version 7, RFC 9562).

    Rows inserted one after another then stand side by side in their index.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return UUID(
        int=(milliseconds << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | (random & (1 << 62) - 1)
    )
