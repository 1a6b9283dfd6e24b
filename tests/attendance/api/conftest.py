from collections.abc import AsyncIterator, Callable

import pytest

from shared.web.scope import Caller
from tests.attendance.api.office import Office, office_on


@pytest.fixture
async def office(migrated: Callable[..., str]) -> AsyncIterator[Office]:
    """An empty service."""
    async with office_on(migrated("attendance")) as made:
        yield made


@pytest.fixture
async def company(office: Office) -> Office:
    """Five people in three departments, of which one is below another; a head, an employee and a trainer can sign in.

    Sewing (Ahmed, Bela; Chitra in Hems, below it), Office (Dipa, staff), and Emon, who belongs to no department.
    """
    await office.import_people(
        "employee_id,name,department,designation,level_of_work,badge",
        "EMP001,Ahmed Khan,Sewing,Senior Tailor,Worker,1",
        "EMP002,Bela Begum,Sewing,Tailor,worker,2",
        "EMP003,Chitra Das,Hems,Tailor,Worker,3",
        "EMP004,Dipa Roy,Office,Clerk,STAFF,4",
        "EMP005,Emon Ali,,,Worker,5",
    )
    await office.sql(
        "UPDATE units SET parent_id = (SELECT id FROM units WHERE name = 'Sewing') WHERE name = 'Hems' RETURNING id"
    )
    ids = await office.ids()
    (sewing,) = await office.sql("SELECT id FROM units WHERE name = 'Sewing'")
    office.callers |= {
        "head": Caller(
            user=11, username="head", roles=frozenset({"department_head"}), person=ids["EMP004"], units=(sewing["id"],)
        ),
        "employee": Caller(user=12, username="bela", roles=frozenset({"employee"}), person=ids["EMP002"]),
        "trainer": Caller(user=13, username="emon", roles=frozenset({"trainer"}), person=ids["EMP005"]),
    }
    return office
