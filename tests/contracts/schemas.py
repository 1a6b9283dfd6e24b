"""The shape of each contract as other systems rely on it, kept beside the samples.

`python -m tests.contracts.schemas` writes the copies again after an addition. It refuses what would break a reader:
that needs a new version of the event (a class of its own, published beside the old one for a while).
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts.catalogue import EVENTS
from shared.contracts.event import Event

FOLDER = Path(__file__).parent / "schemas"
_FOR_PEOPLE = ("title", "description")

Json = Mapping[str, Any]


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON schema of an event's data, with everything in it that it refers to."""
    (root,), components = msgspec.json.schema_components([event], ref_template="#/$defs/{name}")
    name = root["$ref"].rpartition("/")[2]
    shape: dict[str, Any] = _without_prose({**components.pop(name), "$defs": components})
    return shape


def stored(event: type[Event]) -> dict[str, Any] | None:
    """The copy that readers may rely on, or None where the event is new."""
    file = FOLDER / f"{event.wire_type}.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def breaks(old: Json, new: Json, where: str = "data") -> Iterator[str]:
    """What a reader or a writer of `old` would stumble over in `new`, a sentence each.

    Allowed is one thing: a further member that may be absent. Anything else, such as one value more in an
    enumeration, is refused by some reader of the old form.
    """
    for word in sorted(({*old, *new}) - {"properties", "required", "$defs"}):
        if old.get(word) != new.get(word):
            yield f"{where}: {word} was {old.get(word)!r} and is {new.get(word)!r}"
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, shape in before.items():
        if name not in after:
            yield f"{where}.{name} is gone"
        else:
            yield from breaks(shape, after[name], f"{where}.{name}")
    needed_before, needed_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(needed_now - needed_before):
        yield f"{where}.{name} is required now; events that are still in a queue do not have it"
    for name in sorted((needed_before - needed_now) & set(after)):
        yield f"{where}.{name} may be absent now; readers rely on it"
    for name, shape in old.get("$defs", {}).items():
        if name not in new.get("$defs", {}):
            yield f"{name} is gone"
        else:
            yield from breaks(shape, new["$defs"][name], name)


def _without_prose(shape: Any) -> Any:
    if isinstance(shape, dict):
        kept = {k: v for k, v in shape.items() if k not in _FOR_PEOPLE or not isinstance(v, str)}
        return {k: _without_prose(v) for k, v in kept.items()}
    return [_without_prose(item) for item in shape] if isinstance(shape, list) else shape


def main() -> int:
    """Write the copies, unless that would hide a break."""
    FOLDER.mkdir(exist_ok=True)
    broken = [
        f"{event.wire_type}: {problem}"
        for event in EVENTS
        if (old := stored(event)) is not None
        for problem in breaks(old, schema_of(event))
    ]
    if broken:
        print(*broken, "This needs a new version of the event.", sep="\n", file=sys.stderr)
        return 1
    for event in EVENTS:
        text = json.dumps(schema_of(event), indent=2, ensure_ascii=False)
        (FOLDER / f"{event.wire_type}.json").write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
