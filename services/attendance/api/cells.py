"""Cells of CSV."""


def as_text(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever somebody chose for a name."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not cell[1:].isdigit() else cell
