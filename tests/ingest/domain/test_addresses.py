import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.addresses import wrong_with_address


@pytest.mark.parametrize(
    "address",
    ["10.0.0.7", "::1", "fe80::1%eth0", "gate-1", "gate-1.local", "zk_sim", "terminal.example.com.", "3com.example"],
)
def test_ip_addresses_and_host_names_are_addresses(address: str) -> None:
    assert not wrong_with_address(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://10.0.0.7", "URL"),
        ("10.0.0.7/24", "URL"),
        ("10.0.0.7:4370", "port has a field of its own"),
        ("[::1]", "brackets"),
        ("10.0.0", "neither"),
        ("300.1.1.1", "neither"),
        ("main gate", "neither"),
        ("gate..local", "neither"),
        (".local", "neither"),
        ("-gate", "neither"),
        ("gate\n", "neither"),
        ("x" * 64, "neither"),
        (".".join(["x" * 60] * 5), "neither"),
    ],
)
def test_what_is_neither_is_told_why(address: str, said: str) -> None:
    assert said in wrong_with_address(address)


@given(st.ip_addresses())
def test_every_ip_address_is_one(address: object) -> None:
    assert not wrong_with_address(str(address))


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    judged = wrong_with_address(text)
    assert judged or text.isprintable()
