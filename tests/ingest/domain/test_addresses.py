from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.addresses import normal_address, wrong_with_address


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


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("10.9.9.9", "10.9.9.9"),
        ("::ffff:10.9.9.9", "10.9.9.9"),
        ("::FFFF:0a09:0909", "10.9.9.9"),
        ("FE80:0::1", "fe80::1"),
        ("fe80::0001%eth0", "fe80::1%eth0"),
        ("2001:DB8:0:0:0:0:0:7", "2001:db8::7"),
        ("gate.local.", "gate.local"),
        ("Gate-1.local", "Gate-1.local"),
    ],
)
def test_one_place_is_written_in_one_way(address: str, normal: str) -> None:
    assert normal_address(address) == normal
    assert not wrong_with_address(normal)


@given(st.ip_addresses(v=6))
def test_however_an_address_is_written_it_is_the_same(address: IPv6Address) -> None:
    ways = {str(address), address.exploded, address.compressed.upper()}
    assert len({normal_address(way) for way in ways}) == 1


@given(st.text(max_size=300))
def test_what_is_normal_stays_so(text: str) -> None:
    if not wrong_with_address(text):
        assert normal_address(normal_address(text)) == normal_address(text)
        assert not wrong_with_address(normal_address(text))


@given(st.ip_addresses())
def test_every_ip_address_is_one(address: object) -> None:
    assert not wrong_with_address(str(address))


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    judged = wrong_with_address(text)
    assert judged or text.isprintable()
