"""What the tests of tables share."""

from itertools import pairwise
from zoneinfo import ZoneInfo

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files.reader import FileReader

DHAKA = ZoneInfo("Asia/Dhaka")


def read(data: bytes, *cuts: int, **form: str | bool) -> list[Reading | Unreadable]:
    """All records of a file that arrives in these pieces."""
    reader = FileReader(FileForm(**form), DHAKA)  # type: ignore[arg-type]
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [record for start, end in pairwise(edges) for record in reader.feed(data[start:end])]
    return found + list(reader.finish())


def scans(data: bytes, **form: str | bool) -> list[str]:
    """The scans, shortly; a file with anything else in it fails."""
    return [short(record) for record in read(data, **form)]


def short(record: Reading | Unreadable) -> str:
    """`line badge time state TYPE`, or `line: reason`."""
    if isinstance(record, Unreadable):
        return f"{record.position}: {record.reason}"
    return f"{record.position} {record.badge} {record.local_time} {record.state} {record.type}"


def recognised(data: bytes, **form: str | bool) -> dict[str, object]:
    """What is said about how a file is read."""
    reader = FileReader(FileForm(**form), DHAKA)  # type: ignore[arg-type]
    list(reader.feed(data))
    list(reader.finish())
    return {"format": reader.format, **(reader.recognised or {})}
