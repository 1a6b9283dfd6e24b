"""A document of a terminal, JSON or XML alike, as nested dictionaries without namespaces. Pure.

Terminals answer in XML where JSON was asked for, and the other way round; gateways put one into the other's form. Read
as a tree, `{"AccessControllerEvent": {"serialNo": 7}}` and the same in XML differ only in that XML knows only texts.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

Tree = Mapping[str, Any]

_DEEPEST: Final = 16
_LONGEST: Final = 256
"""Characters that are read of a text. None that we want is longer; nothing longer is to travel on."""
_LARGEST: Final = 1 << 63
_UNHELD: Final = re.compile("[\0\ud800-\udfff]")


class NoDocument(ValueError):
    """These bytes are neither JSON nor XML of the kind that terminals write."""


def tree_of(body: bytes) -> Tree:
    """The document in `body`; of an XML document its root is the only member.

    Raises:
        NoDocument: with a sentence that says why.
    """
    stripped = body.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\0")
    if stripped.startswith(b"{"):
        return _json(stripped)
    if stripped.startswith(b"<"):
        return _xml(stripped)
    raise NoDocument("it begins neither with { nor with <")


def inner(tree: Tree, *path: str) -> Tree:
    """What stands at the path, if that is an object, else an empty one."""
    found: Any = tree
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text(tree: Tree, name: str) -> str:
    """The text of a member: a number as it is written, nothing where it is missing or an object.

    What no database holds is replaced: a NUL, and half of a character that JSON can say and UTF-8 cannot.
    """
    value = tree.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        return ""
    return _UNHELD.sub("\ufffd", str(value)[:_LONGEST]).strip()


def number(tree: Tree, name: str) -> int | None:
    """The whole number of a member, written as a number or as a text; None where there is none that could be meant."""
    value = tree.get(name)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
        return None
    return value


def _json(body: bytes) -> Tree:
    try:
        # Names are at times in the encoding of the country; nothing else is.
        read = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise NoDocument(f"it is no JSON: {error}") from error
    if not isinstance(read, dict):
        raise NoDocument("it is JSON, and no object")
    return read


def _xml(body: bytes) -> Tree:
    if b"<!" in body.replace(b"<!--", b""):
        # Entities can make a small document enormous; no terminal writes any.
        raise NoDocument("it is XML that declares something of its own")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - entities are refused above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise NoDocument(f"it is no XML: {error}") from error
    return {_name(root): _members(root, _DEEPEST)}


def _members(element: ElementTree.Element, depth: int) -> Any:
    if not len(element):
        return (element.text or "").strip()
    if not depth:
        return ""
    return {_name(child): _members(child, depth - 1) for child in element}


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
