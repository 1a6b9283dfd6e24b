"""Commands about being signed in, and about what happens now."""

import json
import sys
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import typer

from deploy.cli_data import AsJson
from deploy.cli_support import Api, fail, messages, results
from deploy.settings import Client, read


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(token)
    app.command()(watch)


def token(user: Annotated[str, typer.Option(help="Who signs in.")] = "admin") -> None:
    """Print an access token: export MUSTER_TOKEN=$(muster token).

    The password is MUSTER_ADMIN_PASSWORD for admin; for others, and without it, it is asked for.
    """
    settings = read(Client)
    if user == "admin" and settings.admin_password is not None:
        password = settings.admin_password.get_secret_value()
    elif sys.stdin.isatty():
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
        if not password:
            raise typer.BadParameter("set MUSTER_ADMIN_PASSWORD, or give the password on standard input")
    results.print(Api(settings).sign_in(user, password), markup=False)


def watch(
    as_json: AsJson = False,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
) -> None:
    """Print live events as they happen, until Ctrl-C."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    api = Api()
    scheme, host, path, _, _ = urlsplit(api.url)
    address = urlunsplit(("wss" if scheme == "https" else "ws", host, f"{path}/ws", "", ""))
    protocols = [Subprotocol("bearer"), Subprotocol(api.token())]
    try:
        with connect(address, subprotocols=protocols, proxy=None, max_size=2**20) as connection:
            for number, frame in enumerate(connection, 1):
                _print(str(frame), as_json)
                if number == count:
                    return
    except ConnectionClosed as error:
        fail(f"The connection was closed: {_reason(error)}")
    except (InvalidHandshake, OSError) as error:
        fail(f"{address} does not take connections: {error}")
    except KeyboardInterrupt:
        return


def _print(frame: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(frame + "\n")
        sys.stdout.flush()
        return
    event: dict[str, Any] = json.loads(frame)
    data = event.get("data") or {}
    results.print(f"{event.get('timestamp', '')}  {event.get('type', ''):<20} {_said(event, data)}", markup=False)


def _said(event: dict[str, Any], data: dict[str, Any]) -> str:
    match event.get("type"):
        case "scan_received":
            who = data.get("employee_name") or f"badge {data.get('badge', '?')}"
            return f"{who} · {data.get('scan_type', '')} · {data.get('scan_time', '')} · {event.get('machine_id')}"
        case "attendance_updated":
            hours = f"{data.get('check_in') or '–'} to {data.get('check_out') or '–'}, {data.get('working_hours')} h"
            return f"{data.get('employee_name')} · {data.get('date')} · {data.get('status')} · {hours}"
        case _:
            return str(data.get("message") or json.dumps(data, ensure_ascii=False))


def _reason(error: Any) -> str:
    received = error.rcvd
    if received is None:
        return "the other side went away"
    if received.code == 4401:
        messages.print("Sign in: MUSTER_TOKEN, or MUSTER_ADMIN_PASSWORD.")
    return f"{received.reason or 'no reason given'} ({received.code})"
