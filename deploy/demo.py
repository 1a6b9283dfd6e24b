"""A made-up company: 40 people in 4 departments, a month of history, and machines that scan now."""

import csv
import io
from datetime import timedelta
from typing import Any

import httpx

from deploy.settings import Installation
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.web.scope import Caller
from shared.web.tokens import Tokens

DEPARTMENTS = {
    "Sewing": ("Senior Tailor", "Tailor", "Helper"),
    "Cutting": ("Cutting Master", "Cutter", "Helper"),
    "Quality": ("Quality Lead", "Inspector"),
    "Office": ("Accountant", "Clerk", "Storekeeper"),
}
FIRST_NAMES = ("Ahmed", "Fatima", "Rahim", "Nasreen", "Karim", "Shirin", "Imran", "Salma", "Tariq", "Rehana")
LAST_NAMES = ("Khan", "Begum", "Hossain", "Akter")
PEOPLE = 40
HISTORY_DAYS = 31
ZONE = "Asia/Dhaka"
PREFIX = "D"
"""Before the number of a demo badge and a demo person, so that they are told from real ones."""


async def furnish(peers: httpx.AsyncClient, installation: Installation, clock: Clock) -> None:
    """See to it that the demo company is there. Again changes nothing."""
    caller = Caller(user=0, username="demo", roles=frozenset({"super_admin"}))
    tokens = Tokens(installation.secret.get_secret_value())
    headers = {"Authorization": f"Bearer {tokens.sign(caller, now=clock.now(), lasts=timedelta(minutes=5))}"}
    await _post(
        peers,
        "http://attendance/api/attendance/employees/import/",
        headers={**headers, "Content-Type": "text/csv"},
        content=people_csv().encode(),
    )
    for gate in (1, 2):
        await _post(
            peers, "http://ingest/api/attendance/machines/", headers=headers, json=_machine(gate, installation.timezone)
        )


def people_csv() -> str:
    """The people, as `muster people import` takes them."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["employee_id", "name", "department", "designation", "level_of_work", "badge"])
    departments = list(DEPARTMENTS)
    for number in range(1, PEOPLE + 1):
        department = departments[(number - 1) % len(departments)]
        titles = DEPARTMENTS[department]
        title = titles[min((number - 1) // len(departments) // 2, len(titles) - 1)]
        name = f"{FIRST_NAMES[(number - 1) % 10]} {LAST_NAMES[(number - 1) // 10]}"
        level = "Staff" if department == "Office" else "Worker"
        rows.writerow([f"DEMO{number:03}", name, department, title, level, f"{PREFIX}{number}"])
    return text.getvalue()


def _machine(gate: int, zone: str | None) -> dict[str, object]:
    return {
        "machine_id": f"demo-gate-{gate}",
        "name": f"Demo gate {gate}",
        "machine_type": "simulated",
        "location": "Main entrance" if gate == 1 else "Back entrance",
        "zone": zone or ZONE,
        "config": {
            "people": PEOPLE,
            "prefix": PREFIX,
            "history_days": HISTORY_DAYS,
            "gate": gate,
            "gates": 2,
            # So that something happens whenever somebody looks; and nobody comes twice within a minute, as the
            # second scan would be merged into the first.
            "rate": (0.3, 0.2)[gate - 1],
        },
    }


async def _post(peers: httpx.AsyncClient, url: str, **request: Any) -> None:
    answer = await peers.post(url, timeout=60, **request)
    if answer.status_code == 409:  # it is there already
        return
    if answer.is_error:
        raise Unavailable(f"The demo company could not be made: {url} answered {answer.status_code}: {answer.text}")
