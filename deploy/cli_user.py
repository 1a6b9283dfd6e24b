"""Commands that say who may sign in."""

from typing import Annotated, Any

import typer

from deploy.cli_data import AsJson
from deploy.cli_support import Api, fail, messages, print_json, results
from shared.kernel.errors import sentence
from shared.web.scope import ROLES


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    user = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
    user.command("add")(add)
    user.command("list")(listed)
    app.add_typer(user, name="user")


def _role(text: str) -> str:
    if text not in ROLES:
        raise typer.BadParameter(f"{text!r} is no role; roles are {sentence(list(ROLES))}")
    return text


def add(
    username: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[
        list[str] | None, typer.Option(parser=_role, help=f"{', '.join(ROLES)}; may be said again. Else employee.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Code of the person who they are, such as EMP001.")] = None,
    unit: Annotated[
        list[str] | None, typer.Option(help="Name or id of a department that a head heads; may be said again.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for the password, instead of making one up.")] = False,
) -> None:
    """Make a user, and print their password, this once.

    hr and super_admin see everybody, a department_head the people of --unit and below it, an employee the one of
    --person, a trainer their sessions. A device hands in scans and sees nothing.
    """
    roles = role or ["employee"]
    if "department_head" in roles and not unit:
        raise typer.BadParameter("say which departments they head", param_hint="--unit")
    if roles == ["employee"] and person is None:
        raise typer.BadParameter("an employee sees the days of one person: say whose", param_hint="--person")
    api = Api()
    body: dict[str, Any] = {"username": username, "roles": roles}
    if person is not None:
        body["person"] = _person(api, person)
    if unit:
        departments = api.call("GET", "/api/attendance/departments/").json()
        body["units"] = [_unit(departments, name) for name in unit]
    if ask:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        from services.gateway.application.passwords import generated

        password = generated()
    made = api.call("POST", "/api/users/", json={**body, "password": password}).json()
    if not ask:
        results.print(password, markup=False)
    how = "that password" if ask else "this password; it is shown this once"
    messages.print(f"{made['username']} signs in as {sentence(made['roles'])} with {how}.", markup=False)


def listed(as_json: AsJson = False) -> None:
    """List the users, with their roles, who they are and which departments they head."""
    api = Api()
    users = api.call("GET", "/api/users/").json()
    if as_json:
        print_json(users)
        return
    codes = {row["id"]: row["employee_id"] for row in api.call("GET", "/api/attendance/employees/").json()}
    names = {row["id"]: row["name"] for row in api.call("GET", "/api/attendance/departments/").json()}
    for user in users:
        words = [user["username"], ", ".join(user["roles"])]
        if user["person"] is not None:
            words.append(f"is {codes.get(user['person'], user['person'])}")
        if user["units"]:
            words.append(f"heads {', '.join(str(names.get(unit, unit)) for unit in user['units'])}")
        if not user["is_active"]:
            words.append("may not sign in")
        results.print("  ".join(words), markup=False, soft_wrap=True)


def _person(api: Api, code: str) -> int:
    """The id of the person with this code; its letters may be of any case where that leaves one person."""
    found = api.call("GET", "/api/attendance/employees/", params={"search": code}).json()
    alike = [row for row in found if row["employee_id"].casefold() == code.casefold()]
    exact = [row for row in alike if row["employee_id"] == code] or alike
    if len(exact) != 1:
        fail(f"There is no person {code!r}." if not exact else f"{code!r} may be several: write it as it is stored.")
    return int(exact[0]["id"])


def _unit(departments: list[dict[str, Any]], said: str) -> int:
    found = [row for row in departments if row["name"].casefold() == said.casefold() or str(row["id"]) == said]
    if len(found) != 1:
        names = ", ".join(f"{row['name']} ({row['id']})" for row in departments) or "none yet"
        fail(f"There is {'more than one' if found else 'no'} department {said!r}; by name and id there are: {names}.")
    return int(found[0]["id"])
