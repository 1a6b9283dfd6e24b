import pytest

from services.ingest.domain.reading import ScanType
from services.ingest.vendors.zkteco.states import scan_type


@pytest.mark.parametrize(
    ("state", "type_"),
    [
        ("0", ScanType.IN),
        ("1", ScanType.OUT),
        ("2", ScanType.BREAK_IN),
        ("3", ScanType.BREAK_OUT),
        ("4", ScanType.OVERTIME_IN),
        ("5", ScanType.OVERTIME_OUT),
        ("255", ScanType.UNKNOWN),
        ("", ScanType.UNKNOWN),
        ("17", ScanType.UNKNOWN),
    ],
)
def test_a_state_code_stands_for_a_type(state: str, type_: ScanType) -> None:
    assert scan_type(state) is type_
