"""Secrets that people are not shown stay with what they were said for: they go to no other machine, and no other way.

Whoever may change a machine could else have its password sent to themselves, without ever having known it.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from services.ingest.application.drivers import PUSH_KEY, Driver, SaysHowSecretsGo
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Malformed, sentence

HIDDEN: Final = "********"
"""Stands for a secret; sent back, it means that the secret stays."""


def kept(before: Machine, driver: Driver, given: Mapping[str, Any] | None) -> list[str]:
    """The secrets that stay, although nobody has said them again. `given` is the new config, None where it stays."""
    return [
        name
        for name in sorted(driver.secrets - {PUSH_KEY})
        if before.config.get(name) and (given is None or given.get(name) == HIDDEN)
    ]


def check_place(names: Collection[str], before: Machine, after: Machine) -> None:
    """Raises `Malformed`, naming each secret, where they would go to another machine."""
    same = (before.machine_type, before.ip_address, before.port)
    if names and same != (after.machine_type, after.ip_address, after.port):
        raise _say_again(names, "it was for another address, port or type, and would be sent to this one")


def check_way(names: Collection[str], before: Machine, after: Machine, driver: Driver) -> None:
    """Raises `Malformed`, naming each secret, where they would go by a way on which others may read them."""
    if not names:
        return
    old, new = _way(driver, before.config), _way(driver, after.config)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        raise _say_again(names, f"it was for another {sentence(changed)}, which decides who may read it on its way")


def _way(driver: Driver, config: Mapping[str, Any]) -> Mapping[str, object]:
    if isinstance(driver, SaysHowSecretsGo):
        return driver.how_secrets_go(config)
    return {name: value for name, value in config.items() if name not in driver.secrets}


def _say_again(names: Collection[str], why: str) -> Malformed:
    said = f"say it again: {why}"
    return Malformed(f"{sentence(sorted(names))}: {said}", fields={f"config/{name}": said for name in names})
