"""Joiners and leavers."""

from tests.attendance.api.office import Office


async def moved(office: Office) -> None:
    """Ahmed joined in January and leaves in February; Bela left in January with a badge; Chitra joined last year."""
    ids = await office.ids()
    for code, body in {
        "EMP001": {"joined_on": "2024-01-02", "left_on": "2024-02-10"},
        "EMP002": {"joined_on": "2020-01-01", "left_on": "2024-01-31"},
        "EMP003": {"joined_on": "2023-12-31"},
    }.items():
        await office.ask("PATCH", f"employees/{ids[code]}/", json=body)
    badge = [{"badge": "1", "until": "2024-02-11"}]
    await office.ask("PATCH", f"employees/{ids['EMP001']}/", json={"badges": badge})


async def found(office: Office, by: str = "hr", **parameters: str) -> list[tuple[str, str, str]]:
    rows = await office.get("joiners-leavers/", by=by, **parameters)
    return [(row["date"], row["employee_id"], row["kind"]) for row in rows]


async def test_who_joins_and_leaves_is_listed_with_the_badges_to_take_back(company: Office):
    await moved(company)
    assert await found(company) == [("2024-01-02", "EMP001", "joined"), ("2024-01-31", "EMP002", "left")]
    assert await found(company, date_from="2023-12-31", kind="joined") == [("2023-12-31", "EMP003", "joined")]
    february = await company.get("joiners-leavers/", date_from="2024-01-31", date_to="2024-02-29", ordering="-date")
    assert [(row["employee_id"], row["badges_to_return"]) for row in february] == [("EMP001", []), ("EMP002", ["2"])]
    assert await found(company, department="Hems", date_from="2023-01-01", date_to="2024-12-31") == [
        ("2023-12-31", "EMP003", "joined")
    ]
    assert "date_to" in await company.refused("joiners-leavers/", 400, date_from="2024-02-01", date_to="2024-01-01")
    assert "no department" in await company.refused("joiners-leavers/", 400, department="Mars")


async def test_each_sees_those_whom_they_may_see(company: Office):
    await moved(company)
    assert await found(company, by="employee") == [("2024-01-31", "EMP002", "left")]
    assert len(await found(company, by="head")) == 2
    assert await found(company, by="trainer") == []
