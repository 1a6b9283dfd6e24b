"""What a person may say about a file, where it does not say it itself."""

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """Texts as they were given; whoever reads the file says what is wrong with them. None leaves it to the file."""

    format: str | None = None
    day_first: bool | None = None
    """How 03/04/2026 is read."""
    date_format: str | None = None
    """`day_first`, `month_first`, `year_first`, or such as `%d.%m.%Y %H:%M`."""
    columns: str | None = None
    """What is in which column: `badge=AC-No.,time="Date, time"`; columns may be numbers, from 1."""
    states: str | None = None
    """What the machine calls a state that the file calls otherwise: `C/In=0,C/Out=1`."""
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    """Of a workbook; the first one otherwise."""


FOR_TABLES: Final = ("columns", "states", "delimiter", "encoding", "sheet")
"""What nothing but a table, CSV or XLSX, has a use for."""
TEXTS: Final = tuple(field.name for field in fields(FileForm) if field.name != "day_first")
"""Those that are texts."""
