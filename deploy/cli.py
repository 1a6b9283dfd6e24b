"""The `muster` command."""

import sys

import typer

from deploy import cli_data, cli_driver, cli_import, cli_live, cli_operations, cli_run, cli_simulate, cli_user
from deploy.cli_support import FAILED, WRONG_USE, messages
from deploy.settings import WrongSetting
from shared.kernel.errors import MusterError

app = typer.Typer(
    name="muster",
    help="Real-time attendance for any biometric machine: scans become trustworthy days, live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli_run.add_to(app)
cli_import.add_to(app)
cli_data.add_to(app)
cli_live.add_to(app)
cli_operations.add_to(app)
cli_simulate.add_to(app)
cli_driver.add_to(app)
cli_user.add_to(app)


def main() -> None:
    """Run a command. Ends with 0 when it is done, 1 when it failed, 2 when it was used wrongly, 3 when done in part."""
    try:
        app()
    except WrongSetting as error:
        _end(error.message, WRONG_USE)
    except MusterError as error:
        _end(error.message, FAILED)
    except OSError as error:  # a port that is taken, a disk that is full
        _end(str(error), FAILED)


def _end(message: str, code: int) -> None:
    messages.print(message, style="red", markup=False)
    sys.exit(code)
