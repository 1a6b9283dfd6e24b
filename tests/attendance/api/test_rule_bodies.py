"""Settings, shifts and schedules as `/docs` and docs/rules.md say them: all of them, and each example is taken."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.attendance.api.rule_bodies import (
    BREAK_SCHEMA,
    CYCLE,
    FIXED,
    SCHEDULE_SCHEMA,
    SETTINGS,
    SETTINGS_SCHEMA,
    SHIFT,
    SHIFT_SCHEMA,
    TIMES,
)
from services.attendance.domain.schedule import schedule_from
from services.attendance.domain.settings import DEFAULTS, settings_from, settings_values
from services.attendance.domain.shift_values import shift_from, shift_values
from tests.attendance.api.office import Office

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
PARTS = [{"start": "08:00", "end": "17:00"}]
BREAKS = [
    {"kind": "fixed", "start": "10:00", "end": "10:15"},
    {"kind": "punched"},
    {"kind": "deducted", "minutes": 30, "after_hours": 6},
]
PLAIN = shift_values(shift_from({"parts": PARTS}))
FIELDS = {"code", *PLAIN}


def table(head: str) -> dict[str, list[str]]:
    """The rows of the table whose first column is called so, by its names."""
    _, _, rest = PAGE.partition(f"| {head} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines]
    return {name.strip("`"): others for name, *others in cells}


def test_the_page_has_every_setting_with_its_values_default_and_meaning():
    defaults = {name: json.dumps(value).strip('"') for name, value in settings_values(DEFAULTS).items()}
    assert table("name") == {
        name: [values, f"`{defaults[name]}`", meaning] for name, (values, meaning) in SETTINGS.items()
    }
    assert list(SETTINGS) == list(defaults)


def test_the_page_has_every_field_of_a_shift_with_an_example_that_is_taken():
    rows = table("field of a shift")
    assert rows.keys() == FIELDS
    for name, (default, _, example) in rows.items():
        value = json.loads(example.strip("`"))
        if name != "code":
            shift_from({"parts": PARTS, name: value})
        if default.startswith("`"):
            assert json.loads(default.strip("`")) == PLAIN[name], name


def test_the_page_has_every_kind_of_break_and_every_field_of_a_schedule():
    examples = [json.loads(example.strip("`")) for _, example in table("break").values()]
    taken = shift_values(shift_from({"parts": PARTS, "breaks": examples}))["breaks"]
    assert taken == examples
    rows = {name: json.loads(example.strip("`")) for name, (_, example) in table("field of a schedule").items()}
    assert rows.keys() == {"name", "shift", "cycle", "anchor"}
    ids = {"D1": 1, "N1": 2, None: None}
    schedule_from({"cycle": [ids[one] for one in rows["cycle"]], "anchor": rows["anchor"]})


def test_the_page_is_short():
    assert len(PAGE.splitlines()) <= 150


def test_the_schemas_name_what_is_read_and_no_more():
    assert list(SETTINGS_SCHEMA["properties"]) == list(settings_values(DEFAULTS))
    assert SHIFT_SCHEMA["properties"].keys() == FIELDS
    assert SCHEDULE_SCHEMA["properties"].keys() == {"name", "shift", "cycle", "anchor"}
    shown = shift_values(shift_from({"parts": PARTS, "breaks": BREAKS}))["breaks"]
    assert [one["properties"].keys() for one in BREAK_SCHEMA["oneOf"]] == [one.keys() for one in shown]  # type: ignore[attr-defined]
    for name, told in SHIFT_SCHEMA["properties"].items():
        if "default" in told:
            assert told["default"] == PLAIN[name], name
    assert settings_from({name: told["default"] for name, told in SETTINGS_SCHEMA["properties"].items()}) == DEFAULTS


@pytest.mark.parametrize(
    ("method", "path", "name", "example"),
    [
        ("post", "/shifts/", "parts", SHIFT),
        ("put", "/shifts/{shift_id}/", "parts", SHIFT),
        ("post", "/schedules/", "cycle", CYCLE),
        ("put", "/schedules/{schedule_id}/", "shift", FIXED),
        ("put", "/settings/", "safe_entry_time", TIMES),
    ],
)
async def test_docs_describe_the_fields_of_a_body(
    office: Office, method: str, path: str, name: str, example: dict[str, Any]
):
    document = (await office.ask("GET", "/openapi.json", by=None)).json()
    said = document["paths"][f"/api/attendance{path}"][method]["requestBody"]["content"]["application/json"]
    assert said["schema"]["properties"][name]["description"]
    assert example in [one["value"] for one in said["examples"].values()]
