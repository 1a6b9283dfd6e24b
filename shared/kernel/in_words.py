"""What pydantic finds wrong with a value, as a person would say it. Pure: it takes the errors, not pydantic."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here; is it misspelt?",
    "json_invalid": "is no JSON: {error}",
    "string_type": "is to be text, in quotes",
    "string_too_short": "has fewer than {min_length} characters",
    "string_too_long": "has more than {max_length} characters",
    "string_pattern_mismatch": "has a form, or holds a character, that is not possible here",
    "string_unicode": "holds what is no character",
    "int_type": "is to be a whole number",
    "int_parsing": "is to be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "is to be a whole number",
    "float_type": "is to be a number",
    "float_parsing": "is to be a number",
    "finite_number": "is to be a finite number",
    "bool_type": "is to be true or false",
    "bool_parsing": "is to be true or false",
    "greater_than": "is to be more than {gt}",
    "greater_than_equal": "is to be {ge} or more",
    "less_than": "is to be less than {lt}",
    "less_than_equal": "is to be {le} or less",
    "literal_error": "is to be {expected}",
    "enum": "is to be {expected}",
    "union_tag_invalid": "is to be of one of the kinds {expected_tags}",
    "union_tag_not_found": "does not say its {discriminator}",
    "list_type": "is to be a list",
    "tuple_type": "is to be a list",
    "too_short": "has fewer than {min_length} entries",
    "too_long": "has more than {max_length} entries",
    "uuid_type": "is no UUID",
    "uuid_parsing": "is no UUID",
    "timezone_naive": "is to be without a zone, such as 2026-11-22T08:00",
    "timezone_aware": "is to say its zone, such as 2026-11-22T08:00+06:00",
}
_WORDS_OF_KINDS: Final[Mapping[str, str]] = {
    "datetime_": "is no date and time, such as 2026-11-22T08:00",
    "date_": "is no date, such as 2026-11-22",
    "dict_": "is to be an object, such as {{}}",
    "model_": "is to be an object, such as {{}}",
    "mapping_": "is to be an object, such as {{}}",
}
"""By how the name of the error begins."""


def in_words(error: Mapping[str, Any]) -> str:
    """One of `ValidationError.errors()`, to stand behind the name of what is wrong: "is missing"."""
    kind, facts = str(error["type"]), error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "string_too_short" and facts.get("min_length") == 1:
        return "is empty"
    words = _WORDS.get(kind) or next((said for begins, said in _WORDS_OF_KINDS.items() if kind.startswith(begins)), "")
    try:
        return words.format_map(facts) or str(error["msg"])
    except KeyError:
        return str(error["msg"])


def by_name(errors: Iterable[Mapping[str, Any]], whole: Any) -> dict[str, str]:
    """What is wrong with what, as `{"config/people": "is to be 1 or more"}`, in a value that was read as `whole`.

    Where something may be of several kinds, it is named once, with what each of them would want.
    """
    found: dict[str, list[str]] = {}
    for error in errors:
        said = found.setdefault("/".join(_path(error["loc"], whole)), [])
        if (words := in_words(error)) not in said:
            said.append(words)
    return {name: _either(said) for name, said in found.items()}


def _path(steps: Sequence[int | str], whole: Any) -> list[str]:
    """Where in the value that is: pydantic also names the kinds that it tried, which nobody has written."""
    path: list[str] = []
    chosen = False
    for step in steps:
        if isinstance(whole, Mapping):
            if not chosen and step == whole.get("kind"):
                chosen = True  # the kind that it took for one of several
                continue
            path.append(str(step))
            whole = whole.get(step)
        elif isinstance(whole, list | tuple) and isinstance(step, int):
            path.append(str(step))
            whole = whole[step] if step < len(whole) else None
        chosen = False
    return path


def _either(said: Sequence[str]) -> str:
    first, *others = said
    begin = "is to be "
    if all(words.startswith(begin) for words in said):
        return first + "".join(f", or {words.removeprefix(begin)}" for words in others)
    return "; or ".join(said)
