"""The rules that a driver's `quality.toml` answers, and the tier that follows from the answers."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

RULES: Final[Mapping[str, Mapping[str, str]]] = {
    "bronze": {
        "recordings": "tests read recorded traffic of real machines, or say why there is none",
        "stable_key": "a scan read again, by whatever way, is the same scan",
        "zone_and_offset": "wall times are kept as they came; an offset that the machine says is used where it can be",
        "tried_before_saved": "`probe` goes through every step of a contact, and each says how it ended",
        "pure_parsing": "bytes become scans in functions without I/O, the same for every split of the stream",
    },
    "silver": {
        "backs_off": "nobody is called more often because they do not answer",
        "says_once": "a trouble is told once, and once that it is over",
        "wrong_credentials_differ": "a wrong password is no machine that is away, and is not tried again and again",
        "resumes": "after a broken contact nothing is missing and nothing is taken twice",
        "owner_named": "somebody looks after it",
    },
    "gold": {
        "users": "the people that the machine knows can be listed",
        "discovery": "machines on the network can be found",
        "redacted_diagnostics": "what is needed to report a fault can be collected, without secrets and people",
        "quirks_listed": "what firmware does differently stands in one place",
    },
    "platinum": {
        "fully_async": "nothing blocks the loop",
        "strict_typing": "it is typed throughout",
        "measured": "its rate and its memory are measured",
    },
}
"""By tier, the lowest first: each rule and what it asks for."""
TIERS: Final = ("none", *RULES)

QUALITY: Final = "quality.toml"
_WORDS_OF_A_REASON: Final = 3


def read(folder: Path) -> Mapping[str, Any]:
    """What the driver says of itself.

    Raises:
        OSError: there is no `quality.toml`.
        tomllib.TOMLDecodeError: it is not TOML.
    """
    return tomllib.loads((folder / QUALITY).read_text(encoding="utf-8"))


def faults_of(quality: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the answers, a sentence each, in the order of the rules."""
    if not quality.get("owner"):
        yield f"{QUALITY} names no owner"
    for tier, rules in RULES.items():
        answers = quality.get(tier, {})
        for rule, what in rules.items():
            if rule not in answers:
                yield f"[{tier}] does not answer {rule}: {what}"
            elif not _is_answer(answers[rule]):
                yield f'[{tier}] {rule} is to be "done", "todo" or {{ exempt = "the reason in a sentence" }}'
        for rule in answers:
            if rule not in rules:
                yield f"[{tier}] answers {rule}, which is no rule of it"


def tier_of(quality: Mapping[str, Any]) -> str:
    """The highest tier of which, and of those below it, nothing is left to do; of `TIERS`."""
    reached = "none"
    for tier in RULES:
        answers = quality.get(tier, {})
        if any(answers.get(rule, "todo") == "todo" for rule in RULES[tier]):
            break
        reached = tier
    return reached


def _is_answer(answer: object) -> bool:
    if isinstance(answer, Mapping):
        return set(answer) == {"exempt"} and len(str(answer["exempt"]).split()) >= _WORDS_OF_A_REASON
    return answer in ("done", "todo")
