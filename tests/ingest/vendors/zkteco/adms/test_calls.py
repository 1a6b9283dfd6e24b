import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.adms.calls import asked


@pytest.mark.parametrize("endpoint", ["cdata", "cdata/", "cdata.aspx", "CDATA.ASPX", "cdata.aspx/", "/cdata"])
def test_an_endpoint_is_the_same_however_it_is_spelt(endpoint: str) -> None:
    assert asked(endpoint, b"SN=1").endpoint == "cdata"


@pytest.mark.parametrize(
    ("query", "info"),
    [
        (b"SN=S1&INFO=Ver%202.0.12-2015,0,0,7", "Ver 2.0.12-2015,0,0,7"),
        (b"sn=S1&Info=Ver+2.0.12-2015,0,0,7", "Ver 2.0.12-2015,0,0,7"),
        (b"Sn=S1&INFO=Ver 2.0.12-2015,0,0,7", "Ver 2.0.12-2015,0,0,7"),
        (b"SN=S1&INFO=%D6%D0", "中"),
        (b"SN=S1&INFO=\xe4\xb8\xad", "中"),
        (b"SN=S1&INFO=a=b", "a=b"),
        (b"&&SN=S1&=x&INFO", ""),
    ],
)
def test_parameters_are_read_in_any_case_and_encoding(query: bytes, info: str) -> None:
    call = asked("getrequest", query)
    assert (call.serial, call.parameters.get("info")) == ("S1", info)


@given(st.binary(max_size=200))
def test_any_query_is_read(query: bytes) -> None:
    call = asked("cdata", query)
    assert isinstance(call.serial, str)
    assert isinstance(call.table, str)
