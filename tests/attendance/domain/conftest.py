"""The cases that other systems' own tests expect."""

import json
from pathlib import Path

import pytest

from tests.attendance.domain.expected_case import Case


@pytest.fixture(scope="session")
def cases(real_data: Path) -> dict[str, Case]:
    content = json.loads((real_data / "expected_cases.json").read_text())
    return {facts["id"]: Case(facts) for facts in content["cases"]}


@pytest.fixture
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]
