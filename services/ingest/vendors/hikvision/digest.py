"""Digest authentication (RFC 7616) as terminals use it: what a client answers, and what a server expects. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_FIELD: Final = re.compile(r'([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a server wants to have answered."""

    realm: str
    nonce: str
    qop: str = ""
    """`auth`, or nothing as before 1999."""
    opaque: str | None = None
    algorithm: str = "MD5"
    stale: bool = False
    """The answer to the nonce before was right, and came too late."""


def challenge_of(headers: Iterable[str]) -> Challenge | None:
    """The first challenge in `WWW-Authenticate` headers that can be answered."""
    for header in headers:
        place = header.lower().find("digest ")
        if place < 0:
            continue
        said = fields(header[place:])
        algorithm = said.get("algorithm", "MD5").upper()
        offered = [one.strip().lower() for one in said.get("qop", "").split(",") if one.strip()]
        if "nonce" not in said or algorithm.removesuffix("-SESS") not in _HASHES or (offered and "auth" not in offered):
            continue
        return Challenge(
            realm=said.get("realm", ""),
            nonce=said["nonce"],
            qop="auth" if offered else "",
            opaque=said.get("opaque"),
            algorithm=algorithm,
            stale=said.get("stale", "").lower() == "true",
        )
    return None


def fields(header: str) -> Mapping[str, str]:
    """The members of a challenge or of an answer; their names in small letters."""
    return {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(header)}


def answer(
    challenge: Challenge, *, username: str, password: str, method: str, uri: str, count: int, cnonce: str
) -> str:
    """The `Authorization` header for the `count`th request that uses the challenge's nonce. `uri` has its query."""
    nc = f"{count:08x}"
    response = digest(challenge, username=username, password=password, method=method, uri=uri, nc=nc, cnonce=cnonce)
    said = {"username": username, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri, "response": response}
    if challenge.opaque is not None:
        said["opaque"] = challenge.opaque
    parts = [f'{name}="{_escaped(value)}"' for name, value in said.items()]
    parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts += [f"qop={challenge.qop}", f"nc={nc}", f'cnonce="{cnonce}"']
    return "Digest " + ", ".join(parts)


def digest(challenge: Challenge, *, username: str, password: str, method: str, uri: str, nc: str, cnonce: str) -> str:
    """What proves that one knows the password."""
    name = _HASHES[challenge.algorithm.removesuffix("-SESS")]

    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    first = hashed(f"{username}:{challenge.realm}:{password}")
    if challenge.algorithm.endswith("-SESS"):
        first = hashed(f"{first}:{challenge.nonce}:{cnonce}")
    second = hashed(f"{method}:{uri}")
    if challenge.qop:
        return hashed(f"{first}:{challenge.nonce}:{nc}:{cnonce}:{challenge.qop}:{second}")
    return hashed(f"{first}:{challenge.nonce}:{second}")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
