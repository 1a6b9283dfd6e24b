"""Cells of CSV files that people open in spreadsheets, which take some texts for formulas and run them."""

from typing import Final

_MARK: Final = "'"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_text(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever somebody chose for a name. Numbers stay as they are."""
    return f"{_MARK}{cell}" if cell[:1] in _FORMULA and not cell[1:].isdigit() else cell


def said(cell: str) -> str:
    """What was written into such a cell."""
    inner = cell.removeprefix(_MARK)
    return inner if as_text(inner) == cell else cell
