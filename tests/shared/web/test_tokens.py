"""Tokens: what is signed is read, and what somebody made up is refused (RELIABILITY, S12)."""

import base64
import hmac
import json
from datetime import timedelta

import jwt
import pytest

from shared.kernel.errors import Unauthenticated
from shared.web.tokens import Tokens
from tests.shared.web.conftest import SECRET, someone

HOUR = timedelta(hours=1)


@pytest.fixture
def claims(clock):
    return {
        "iss": "muster",
        "aud": "muster",
        "typ": "access",
        "sub": "7",
        "iat": clock.now(),
        "exp": clock.now() + HOUR,
        "roles": ["super_admin"],
        "units": [],
    }


def by_hand(claims, header, key: bytes | None = None) -> str:
    """A token as an attacker writes it, signed (with SHA-256) or not."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    body = ".".join(part(json.dumps(it, default=lambda at: at.timestamp()).encode()) for it in (header, claims))
    return f"{body}.{part(hmac.digest(key, body.encode(), 'sha256')) if key is not None else ''}"


def test_what_was_signed_is_read(tokens, clock):
    who = someone(person=42, units=(3, 4), roles=frozenset({"department_head", "employee"}))
    assert tokens.read(tokens.sign(who, now=clock.now(), lasts=HOUR), now=clock.now()) == who


def test_a_token_made_by_hand_with_the_secret_is_read_so_that_the_refusals_below_mean_something(tokens, clock, claims):
    assert tokens.read(jwt.encode(claims, SECRET, algorithm="HS256"), now=clock.now()).user == 7


@pytest.mark.parametrize(
    ("age", "good"),
    [(timedelta(0), True), (HOUR, True), (HOUR + timedelta(seconds=4), True), (HOUR + timedelta(seconds=6), False)],
)
def test_a_token_runs_out_by_the_injected_clock_give_or_take_five_seconds(tokens, clock, age, good):
    token = tokens.sign(someone(), now=clock.now(), lasts=HOUR)
    if good:
        tokens.read(token, now=clock.now() + age)
    else:
        with pytest.raises(Unauthenticated, match="run out"):
            tokens.read(token, now=clock.now() + age)


@pytest.mark.parametrize("signed_as", ["access", "refresh", "ticket"])
@pytest.mark.parametrize("read_as", ["access", "refresh", "ticket"])
def test_a_token_is_good_for_its_own_kind_alone(tokens, clock, signed_as, read_as):
    token = tokens.sign(someone(), now=clock.now(), lasts=HOUR, kind=signed_as)
    if signed_as == read_as:
        tokens.read(token, now=clock.now(), kind=read_as)
    else:
        with pytest.raises(Unauthenticated):
            tokens.read(token, now=clock.now(), kind=read_as)


@pytest.mark.parametrize(
    "changed",
    [{"aud": "other"}, {"iss": "other"}, {"typ": "root"}, {"aud": ["a", "b"]}, {"sub": "admin"}, {"sub": 7}],
    ids=str,
)
def test_a_signed_token_that_was_meant_for_something_else_is_refused(tokens, clock, claims, changed):
    with pytest.raises(Unauthenticated):
        tokens.read(jwt.encode({**claims, **changed}, SECRET, algorithm="HS256"), now=clock.now())


@pytest.mark.parametrize("missing", ["aud", "iss", "typ", "sub", "iat", "exp"])
def test_a_signed_token_that_leaves_out_what_it_must_say_is_refused(tokens, clock, claims, missing):
    del claims[missing]
    with pytest.raises(Unauthenticated):
        tokens.read(jwt.encode(claims, SECRET, algorithm="HS256"), now=clock.now())


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256"])
def test_a_token_without_a_signature_is_refused(tokens, clock, claims, algorithm):
    with pytest.raises(Unauthenticated):
        tokens.read(by_hand(claims, {"alg": algorithm, "typ": "JWT"}), now=clock.now())


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_right_secret_with_another_algorithm_is_refused(tokens, clock, claims, algorithm):
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(claims, SECRET, algorithm=algorithm)
    with pytest.raises(Unauthenticated):
        tokens.read(token, now=clock.now())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "PS512"])
def test_a_good_signature_under_a_swapped_algorithm_is_refused(tokens, clock, claims, algorithm):
    """Where the verifying key is a public one, whoever has it could sign with it as a shared secret."""
    token = by_hand(claims, {"alg": algorithm, "typ": "JWT"}, SECRET.encode())
    with pytest.raises(Unauthenticated):
        tokens.read(token, now=clock.now())


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"jku": "http://attacker.example/keys.json"},
        {"x5u": "http://attacker.example/cert.pem"},
        {"jwk": {"kty": "oct", "k": "AA"}},
    ],
    ids=lambda header: next(iter(header)),
)
@pytest.mark.parametrize("key", [b"", b"\0", b"x", b"another secret of thirty-two characters"])
def test_where_a_header_says_the_key_is_has_no_effect(tokens, clock, claims, header, key):
    with pytest.raises(Unauthenticated):
        tokens.read(by_hand(claims, {"alg": "HS256", **header}, key), now=clock.now())


def test_changing_what_a_token_says_breaks_it(tokens, clock):
    head, body, signature = tokens.sign(someone(roles=frozenset({"employee"})), now=clock.now(), lasts=HOUR).split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["roles"] = ["super_admin"]
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        tokens.read(f"{head}.{forged}.{signature}", now=clock.now())


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ey" * 50_000, "\0", "é.é.é", "null", "{}"])
def test_what_is_no_token_at_all_is_refused(tokens, clock, text):
    with pytest.raises(Unauthenticated):
        tokens.read(text, now=clock.now())


@pytest.mark.parametrize(
    ("said", "roles"),
    [(["hr", "owner"], {"hr"}), (["owner"], set()), ("hr", set()), ([], set())],
)
def test_a_role_that_we_do_not_know_gives_nothing(tokens, clock, claims, said, roles):
    token = jwt.encode({**claims, "roles": said}, SECRET, algorithm="HS256")
    assert tokens.read(token, now=clock.now()).roles == roles


def test_a_short_secret_stops_the_start_and_says_which_variable():
    with pytest.raises(ValueError, match="MUSTER_SECRET needs at least 32 characters"):
        Tokens("short")
