"""A made-up company: 40 people in 4 departments, a month of history, and machines that scan now."""

import csv
import io
from collections.abc import Awaitable, Sequence
from datetime import timedelta

import httpx

from deploy.demo_machines import PEOPLE, PREFIX, DemoMachine
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
LOCATIONS = ("Main entrance", "Back entrance", "Canteen", "Office", "Workshop", "Warehouse")
ZONE = "Asia/Dhaka"
ATTENDANCE = "http://attendance/api/attendance"
MACHINES = "http://ingest/api/attendance/machines"


async def furnish(
    peers: httpx.AsyncClient, installation: Installation, clock: Clock, there: Sequence[DemoMachine]
) -> None:
    """See to it that the demo company is there, and its machines are registered as they are now."""
    caller = Caller(user=0, username="demo", roles=frozenset({"super_admin"}))
    tokens = Tokens(installation.secret.get_secret_value())
    headers = {"Authorization": f"Bearer {tokens.sign(caller, now=clock.now(), lasts=timedelta(minutes=5))}"}
    people = {**headers, "Content-Type": "text/csv"}
    await _sent(
        peers.post(f"{ATTENDANCE}/employees/import/", headers=people, content=people_csv().encode(), timeout=60)
    )
    for one in there:
        machine = _machine(one, installation.timezone or ZONE)
        if not await _sent(peers.post(f"{MACHINES}/", headers=headers, json=machine)):
            # It is there already. The port is another one each time, so that no two demos are in each other's way.
            await _sent(peers.patch(f"{MACHINES}/{machine['machine_id']}/", headers=headers, json=machine))


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


def _machine(one: DemoMachine, zone: str) -> dict[str, object]:
    return {
        "machine_id": f"demo-gate-{one.gate}",
        "name": f"Demo gate {one.gate} ({one.make})",
        "location": LOCATIONS[one.gate - 1],
        "zone": zone,
        **one.body,
    }


async def _sent(asked: Awaitable[httpx.Response]) -> bool:
    """Send it; false where it is there already."""
    answer = await asked
    if answer.status_code == 409:
        return False
    if answer.is_error:
        raise Unavailable(
            f"The demo company could not be made: {answer.url} answered {answer.status_code}: {answer.text}"
        )
    return True
