"""Digest authentication against the example of RFC 7616, and challenges as terminals write them."""

import pytest

from services.ingest.vendors.hikvision.digest import Challenge, answer, challenge_of, digest, fields

RFC = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_the_standard_is_answered_as_it_says(algorithm: str, response: str) -> None:
    challenge = challenge_of([RFC.format(algorithm)])
    assert challenge is not None
    said = answer(
        challenge,
        username="Mufasa",
        password="Circle of Life",
        method="GET",
        uri="/dir/index.html",
        count=1,
        cnonce=CNONCE,
    )
    assert fields(said)["response"] == response
    assert fields(said)["opaque"] == challenge.opaque
    assert (fields(said)["nc"], fields(said)["qop"]) == ("00000001", "auth")


def test_a_challenge_is_found_beside_others_and_in_any_spelling() -> None:
    basic, old = 'Basic realm="x"', "digest REALM=plain , Nonce=abc, STALE=True"
    assert challenge_of([basic, old]) == Challenge(realm="plain", nonce="abc", stale=True)
    assert challenge_of([f"{basic}, {old}"]) == Challenge(realm="plain", nonce="abc", stale=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest nonce="x", algorithm=SHA-512',
        'Digest nonce="x", qop="auth-int"',
    ],
)
def test_what_cannot_be_answered_is_no_challenge(header: str) -> None:
    assert challenge_of([header]) is None


def test_each_count_has_its_own_answer_and_an_old_server_gets_none_of_it() -> None:
    new, old = Challenge(realm="r", nonce="n", qop="auth"), Challenge(realm="r", nonce="n")
    who = {"username": "u", "password": "p", "method": "GET", "uri": "/", "cnonce": "c"}
    assert digest(new, nc="00000001", **who) != digest(new, nc="00000002", **who)
    assert digest(old, nc="00000001", **who) == digest(old, nc="00000002", **who)
    assert "qop" not in fields(answer(old, count=1, **who))


def test_a_name_with_a_quote_does_not_end_the_header() -> None:
    said = answer(
        Challenge(realm='a"b', nonce="n"), username='o"k', password="p", method="GET", uri="/", count=1, cnonce="c"
    )
    assert '\\"' in said
    assert len(fields(said)["response"]) == 32
