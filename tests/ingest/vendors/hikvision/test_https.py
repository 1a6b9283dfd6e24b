"""HTTPS with the certificates that terminals make for themselves: any, or the one that is registered."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from services.ingest.application.drivers import OtherMachine
from services.ingest.vendors.hikvision.simulator import simulator
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import device, following, ids_of, machine, trouble_of

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl, which makes certificates, is not there"
)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """A server's side of a new certificate, and the certificate as PEM."""
    key, made = folder / f"{name}.key", folder / f"{name}.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*request, "-keyout", key, "-out", made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context, made.read_text()


async def test_any_certificate_is_taken_unless_one_is_registered(tmp_path: Path) -> None:
    tls, own = certificate(tmp_path, "terminal")
    _, other = certificate(tmp_path, "other")
    terminal = device()
    async with simulator(terminal, tls=tls) as running:
        for badge, config in (("1001", {"https": True}), ("1002", {"https": True, "certificate": own})):
            async with following(machine(running.port, config={**config, "answer_within": 5})) as what:
                await until(lambda what=what: what.caught_up)
                await running.scan(badge)
                await until(lambda what=what: what.live)
                assert what.ids == ids_of(terminal)
        trouble = await trouble_of(running, config={"https": True, "certificate": other})
        assert isinstance(trouble, OtherMachine)
        assert "shows another certificate than the one that is registered" in trouble.message
        assert running.device.wrong_passwords == 0
