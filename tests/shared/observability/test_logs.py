"""Logs: one form for ours and the libraries', nothing secret in them."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
import structlog
from shared.observability.logs import configure_logs, get_logger

configure_logs(json={json}, level="INFO")
log = get_logger("tried")
log.info("machine.connected", machine="GATE-1", comm_key="4711", password="hunter2", Authorization="Bearer hunter2")
log.debug("not.shown")
with structlog.contextvars.bound_contextvars(request_id="r-1"):
    logging.getLogger("some.library").warning("its %s", "words")
logging.getLogger("httpx").info("not shown either")
try:
    secret = "hunter2"
    raise ValueError("what went wrong")
except ValueError:
    log.exception("loop.failed", loop="relay")
"""


@pytest.fixture(params=[True, False], ids=["json", "console"])
def lines(request) -> tuple[bool, str]:
    code = SCRIPT.replace("{json}", str(request.param))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "", "results go to standard output, logs never"
    return request.param, ended.stderr


def test_secrets_are_masked_local_variables_are_not_shown_and_what_is_below_the_level_is_left_out(lines):
    _, said = lines
    assert "hunter2" not in said.replace('secret = "hunter2"', "")
    assert "4711" not in said
    assert "********" in said
    assert "not.shown" not in said
    assert "not shown" not in said


def test_ours_and_a_librarys_have_the_same_form(lines):
    as_json, said = lines
    if not as_json:
        assert "machine.connected" in said
        assert "its words" in said
        assert "what went wrong" in said
        return
    first, second, third = map(json.loads, said.splitlines())
    assert (first["event"], first["machine"], first["level"], first["logger"]) == (
        "machine.connected",
        "GATE-1",
        "info",
        "tried",
    )
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"], second["request_id"]) == ("its words", "warning", "r-1")
    assert "ValueError: what went wrong" in third["exception"]
