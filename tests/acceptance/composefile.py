"""docker-compose.yml as Docker reads it, as far as processes on this machine need it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

REPOSITORY = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a service of the file runs with."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    """Ports inside that the host publishes, and where."""
    listens_on: int | None
    """The port that its healthcheck asks."""
    after: Mapping[str, str]
    """Services that come before it, and how far they have to be."""


def read_compose(variables: Mapping[str, str], file: Path = REPOSITORY / "docker-compose.yml") -> dict[str, Container]:
    """The services that are built from this repository, with the variables of an `.env` put in.

    Raises:
        KeyError: a variable is demanded and not given.
    """
    services = _put_in(yaml.safe_load(file.read_text("utf-8"))["services"], variables)
    return {name: _container(name, service) for name, service in services.items() if "build" in service}


def moved(value: str, hosts: Mapping[str, str]) -> str:
    """A value of an environment, with its address moved to where that host is here: `hosts` maps names to URLs.

    A URL without a path replaces host and port alone; one with a path replaces all of it.
    """
    parts = urlsplit(value) if "://" in value else None
    if parts is None or (host := parts.hostname) is None or host not in hosts:
        return value
    here = urlsplit(hosts[host])
    assert parts.scheme.startswith(here.scheme), f"{value} cannot be {hosts[host]}"
    return urlunsplit(here) if here.path or here.query else urlunsplit(parts._replace(netloc=here.netloc))


def _container(name: str, service: Mapping[str, Any]) -> Container:
    test = service.get("healthcheck", {}).get("test", [])
    needs = service.get("depends_on", {})
    return Container(
        name=name,
        command=service["command"],
        environment={key: str(value) for key, value in service["environment"].items()},
        ports={int(inside): int(outside) for outside, inside in (port.split(":") for port in service.get("ports", []))},
        listens_on=int(test[test.index("--port") + 1]) if "--port" in test else None,
        after={other: how["condition"] for other, how in needs.items()},
    )


def _put_in(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _put_in(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put_in(inner, variables) for inner in value]
    return _VARIABLE.sub(lambda found: _one(found, variables), value) if isinstance(value, str) else value


def _one(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, rest = found.groups()
    if given := variables.get(name):
        return given
    if how == ":?":
        raise KeyError(f"{name}: {rest}")
    return rest or ""
