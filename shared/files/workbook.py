"""One sheet of an XLSX workbook, to rows of text.

A workbook of a few kilobytes may unpack to gigabytes, and the library that reads it holds parts of it in memory. So it
is read by a process of its own, which may have only so much memory, time and disk, and tells the rest of us in text.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.kernel.errors import Malformed, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading a workbook may take."""

    memory: int = 512 * 1024 * 1024
    """Bytes beside what the library itself takes. A sheet of a million rows needs 200 MB."""
    seconds: int = 900
    """Of computing. A sheet of a million rows takes a minute or two."""
    disk: int = 256 * 1024 * 1024
    """Bytes of what is read, packed."""


_TOO_MUCH: Final = "reading this workbook takes more memory, time or disk than any list does: save the sheet as CSV"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read."""

    name: str
    rows: Callable[[], Iterator[tuple[int, list[str]]]]
    """Those that hold anything, each with its number from 1. What is empty at the end of a row is left out."""


def sheet_of(
    workbook: Path,
    into: Path,
    name: str | None = None,
    *,
    limits: Limits | None = None,
    given_up: Callable[[], bool] = lambda: False,
) -> Sheet:
    """The rows of a sheet, the first one if `name` is None, which are kept in the file `into`.

    Raises:
        Malformed: it is no such workbook, has no such sheet, or would take too much.
    """
    most = limits or Limits()
    # -P: a module in the folder where Muster was started, which may hold anybody's files, is none of ours.
    command = [sys.executable, "-P", "-m", "shared.files.workbook_reader", str(workbook), str(into)]
    command += [str(limit) for limit in (most.memory, most.seconds, most.disk)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command if name is None else [*command, name],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        answer = _answer(process, given_up)
    try:
        told = json.loads(answer)
    except ValueError:
        told = {}
    if "missing" in told:
        raise Malformed(
            f"the workbook has no sheet {name!r}; it has {sentence([repr(sheet) for sheet in told['missing'][:20]])}",
            fields={"sheet": "there is none of this name"},
        )
    if "wrong" in told:
        raise Malformed(told["wrong"])
    if process.returncode != 0 or "sheet" not in told:
        raise Malformed(_TOO_MUCH)
    return Sheet(told["sheet"], lambda: _rows(into))


def _answer(process: "subprocess.Popen[bytes]", given_up: Callable[[], bool]) -> bytes:
    while True:
        try:
            return process.communicate(timeout=0.5)[0]
        except subprocess.TimeoutExpired:
            if given_up():
                process.kill()


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            number, *cells = json.loads(line)
            yield number, cells


def _environment() -> dict[str, str]:
    """No secrets of ours; no library that it loads is to start threads, which take memory."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
