"""Settings changed for a time, and by two people at once."""

from tests.attendance.api.office import Office


async def test_who_says_only_the_end_of_a_change_changes_nothing_of_the_past(company: Office):
    body = {"safe_entry_time": "07:00", "late_entry_time": "07:10"}
    changed = (await company.ask("PUT", "settings/?effective_until=2024-03-01", json=body)).json()
    assert (changed["valid_from"], changed["valid_until"]) == ("2024-01-15", "2024-03-01")
    entries = [(await company.get("settings/", date=on))["safe_entry_time"] for on in ("2024-01-14", "2024-02-29")]
    assert entries == ["08:00", "07:00"]
    await company.ask("PUT", "settings/?effective_until=2024-01-15", json=body, expect=422)


async def test_settings_that_were_changed_meanwhile_are_not_overwritten(company: Office):
    read = (await company.ask("GET", "settings/")).headers["etag"]
    body, since = {"safe_entry_time": "07:50"}, "settings/?effective_from=2024-01-05"
    changed = await company.ask("PUT", "settings/", json=body, headers={"If-Match": read})
    assert changed.headers["etag"] == (await company.ask("GET", "settings/")).headers["etag"] != read
    refused = await company.ask("PUT", "settings/", json=body, headers={"If-Match": read}, expect=412)
    assert "read them again" in refused.json()["error"]
    await company.ask("PUT", since, json=body, headers={"If-Match": read}, expect=412)
    earlier = (await company.ask("GET", "settings/?date=2024-01-05")).headers["etag"]
    await company.ask("PUT", since, json=body, headers={"If-Match": earlier})
