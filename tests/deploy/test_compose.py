"""docker-compose.yml without a Docker engine: what it starts, with what, and that it scales."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from deploy import catalogue, cli
from deploy.settings import known_variables

REPOSITORY = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
EXAMPLE = dict(
    line.lstrip("#").split("=", 1)
    for line in (REPOSITORY / ".env.example").read_text("utf-8").splitlines()
    if re.match(r"#?[A-Z_]+=", line)
)


def _variables(value: object) -> set[tuple[str, str]]:
    """Every `${NAME…}` of a piece of YAML, with what follows the name."""
    return set(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", yaml.safe_dump(value, width=10_000)))


def test_every_service_of_the_catalogue_runs_and_nothing_else_of_ours_but_the_migration() -> None:
    assert set(OURS) == {*catalogue.SERVICES, "migrate"}
    for name in catalogue.SERVICES:
        assert OURS[name]["command"] == ["serve", name]


@pytest.mark.parametrize("name", OURS)
def test_its_command_and_its_healthcheck_are_commands_of_ours(name: str) -> None:
    group = typer.main.get_command(cli.app)
    healthcheck = OURS[name].get("healthcheck", {}).get("test", ["CMD", "muster", "health"])
    assert healthcheck[:2] == ["CMD", "muster"]
    for words in (OURS[name]["command"], healthcheck[2:]):
        command = group.commands[words[0]]  # type: ignore[attr-defined]
        command.make_context(words[0], list(words[1:]), resilient_parsing=False)


@pytest.mark.parametrize("name", OURS)
def test_its_environment_is_made_of_known_settings(name: str) -> None:
    assert set(OURS[name]["environment"]) <= known_variables()


@pytest.mark.parametrize("name", sorted(set(OURS) - {"migrate"}))
def test_it_starts_after_the_migration_and_a_healthy_broker_and_checks_its_own_port(name: str) -> None:
    needs = OURS[name]["depends_on"]
    assert needs["migrate"]["condition"] == "service_completed_successfully"
    assert needs["rabbitmq"]["condition"] == "service_healthy"
    assert OURS[name]["healthcheck"]["test"][-1] == str(catalogue.SERVICES[name].port)


def test_attendance_scales_for_nothing_of_it_can_exist_only_once() -> None:
    assert not {"container_name", "ports", "hostname"} & set(OURS["attendance"])


def test_peers_are_addressed_by_the_ports_that_they_listen_on() -> None:
    environment = OURS["gateway"]["environment"]
    for name in set(catalogue.SERVICES) - {"gateway"}:
        assert environment[f"MUSTER_{name.upper()}_URL"] == f"http://{name}:{catalogue.SERVICES[name].port}"


def test_every_secret_is_demanded_and_nobody_is_guest() -> None:
    used = dict(_variables(COMPOSE))
    for name, rest in used.items():
        if any(word in name for word in ("SECRET", "PASSWORD")):
            assert rest.startswith(":?"), f"{name} has a default"
    assert "guest" not in (REPOSITORY / "docker-compose.yml").read_text("utf-8")
    assert all(not value for name, value in EXAMPLE.items() if "SECRET" in name or "PASSWORD" in name)


def test_the_example_explains_every_variable_that_compose_asks_for() -> None:
    assert {name for name, _ in _variables(COMPOSE)} - {"MUSTER_VERSION"} == set(EXAMPLE)


def test_each_image_is_built_by_the_one_recipe_with_an_extra_that_exists() -> None:
    pyproject = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    for name, service in OURS.items():
        assert (REPOSITORY / service["build"]["dockerfile"]).is_file()
        extra = service["build"]["args"]["EXTRA"]
        assert re.search(rf"^{extra} = \[", pyproject, flags=re.MULTILINE), name
        assert service["image"].startswith(f"muster-{extra}:")


def test_docker_reads_it_as_we_do() -> None:
    environment = {name: "x" * 32 for name in EXAMPLE if "PORT" not in name}
    try:
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no docker compose here")
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=REPOSITORY,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
