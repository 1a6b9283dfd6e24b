"""Requests of clients that leave blanks in the address: `GET /cdata?INFO=Ver 8.0 HTTP/1.1`. Firmware does that.

The server's parser takes such a line for nonsense, before any application sees it.
"""

import re
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_LINE: Final = 64 * 1024
_LINE: Final = re.compile(rb"([A-Z]+) (.*) (HTTP/1\.[01]\r?\n)")
_NOT_IN_ADDRESSES: Final = re.compile(rb"[\x00-\x20\x7f-\xff]")


class MendingProtocol(HttpToolsProtocol):
    """HTTP as ever, but that blanks, tabs and bytes beyond ASCII in the first line of a request are percent-encoded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._between_requests = True
        self._line = b""

    def data_received(self, data: bytes) -> None:
        if self._between_requests:
            self._line += data
            if b"\n" not in self._line and len(self._line) < LONGEST_LINE:
                return
            data, self._line = mended(self._line), b""
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between_requests = True


def mended(data: bytes) -> bytes:
    """The beginning of a request with an address that a parser takes; what is none of ours to mend stays."""
    line, end, rest = data.partition(b"\n")
    match = _LINE.fullmatch(line + end)
    if match is None:
        return data
    target = _NOT_IN_ADDRESSES.sub(lambda byte: b"%%%02X" % byte[0][0], match[2])
    return b" ".join((match[1], target, match[3])) + rest
