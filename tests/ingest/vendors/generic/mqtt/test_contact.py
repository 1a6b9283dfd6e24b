"""Contact with a machine that publishes to a real broker: what comes, and that the broker keeps it until it is safe."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from services.ingest.application.drivers import NotSetUp, ProtocolBroken, Unreachable, WrongCredentials
from services.ingest.application.probing import probe
from services.ingest.domain.machine import Machine
from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.generic.framers import framer
from services.ingest.vendors.generic.framing import Datagrams
from services.ingest.vendors.generic.mqtt.line import MqttLine
from services.ingest.vendors.generic.mqtt.settings import Broker
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Invalid
from tests.ingest.fakes import until
from tests.ingest.vendors.generic.following import Following, following, machine
from tests.servers.mosquitto import Mosquitto

START = datetime(2026, 1, 5, 8)
NUMBERS = count(1)


def reader(broker: Mosquitto | int, **more: Any) -> tuple[Machine, str]:
    """A machine of the test's own, with the topic that it publishes to."""
    name = f"reader-{next(NUMBERS)}"
    mqtt = {"topic": f"{name}/send", **more.pop("mqtt", {})}
    config = {"profile": "mqtt-json", "connection": {"side": "mqtt", "connect_within": 10}, "mqtt": mqtt, **more}
    port = broker if isinstance(broker, int) else broker.port
    return machine(port, config, machine_id=name), f"{name}/send"


def scan(number: int, **more: Any) -> bytes:
    at = START + timedelta(seconds=number)
    return json.dumps({"badge": f"00{number}", "time": at.isoformat(), "direction": "in", **more}).encode()


def badges(what: Following) -> list[str]:
    return [reading.badge for reading in what.readings]


async def taken(what: Following, last: str) -> None:
    """Until a scan of this badge is the last one, and acknowledged."""
    await until(lambda: badges(what)[-1:] == [last] and what.acknowledged == len(what.batches), within=60)


async def subscribed(what: Following) -> None:
    await until(lambda: what.entered or what.trouble, within=60)
    assert what.trouble is None


async def ended(what: Following) -> None:
    await until(lambda: what.trouble is not None, within=30)


async def test_each_message_is_a_scan_and_what_is_none_is_kept_or_passed_over(broker: Mosquitto) -> None:
    of, topic = reader(broker, ignore=['"kind":"door"'])
    async with following(of) as what:
        await subscribed(what)
        broker.publish("else/send", scan(7))
        broker.publish(
            topic, scan(1), b"", b" \n", b'{"type":"heartbeat"}', b'{"kind":"door"}', b"{", b"x" * 5000, scan(2)
        )
        await taken(what, "002")
        assert badges(what) == ["001", "002"]
        assert [reading.local_time for reading in what.readings] == [START + timedelta(seconds=n) for n in (1, 2)]
        assert [record.raw[:2] for record in what.unreadable] == [b"{", b"xx"]
        assert "a frame of more than 4,096 bytes" in what.unreadable[1].reason
    async with following(of) as again:  # all of it was acknowledged: nothing comes again
        await subscribed(again)
        broker.publish(topic, scan(3))
        await taken(again, "003")
        assert badges(again) == ["003"]
        assert again.unreadable == []


async def test_a_reader_of_the_kind_esp_rfid_is_read_by_its_profile(broker: Mosquitto) -> None:
    of, topic = reader(broker, profile="esp-rfid")
    at = int(datetime.fromisoformat("2026-01-05T08:00:00Z").timestamp())
    opened = {"type": "access", "time": at, "isKnown": "true", "access": "Always", "username": "x", "uid": "a1b2c3d4"}
    async with following(of) as what:
        await subscribed(what)
        for told in (
            opened,
            {**opened, "access": "Denied", "uid": "ffffffff"},
            {"type": "boot", "time": at, "ip": "10.0.0.2"},
            {"type": "heartbeat", "time": 23852, "uptime": 60},
            {**opened, "time": 23852},
        ):
            broker.publish(topic, json.dumps(told).encode())
        await until(lambda: len(what.readings) == 2, within=60)
        assert badges(what) == ["a1b2c3d4", "a1b2c3d4"]
        assert [reading.local_time.year for reading in what.readings] == [2026, 1970]
        assert what.contact.offsets[0] < timedelta(days=-365 * 50), "a clock that was not set yet shows"
        assert what.unreadable == []


async def test_what_is_not_safe_comes_again_and_what_is_published_meanwhile_waits(broker: Mosquitto) -> None:
    of, topic = reader(broker)
    never = asyncio.Event()
    async with following(of, held=never) as what:
        await subscribed(what)
        broker.publish(topic, *map(scan, range(30)))
        await until(lambda: what.readings, within=60)
    held = badges(what)
    assert held == [f"00{number}" for number in range(30)][: len(held)]
    assert len(what.batches) == 1, "nothing more was handed out before this was safe"
    broker.publish(topic, *map(scan, range(30, 60)))
    async with following(of) as again:
        await until(lambda: len(again.ids) == 60, within=60)
        assert badges(again) == [f"00{number}" for number in range(60)]


async def test_what_the_broker_holds_outlives_its_restart(own_broker: Mosquitto) -> None:
    of, topic = reader(own_broker)
    async with following(of) as what:
        await subscribed(what)
        await asyncio.to_thread(own_broker.stop)
        await ended(what)
        assert isinstance(what.trouble, Unreachable)
        assert (
            "the broker" in what.trouble.message
        )  # closed the connection; or it broke, where the end overtook a packet
    await asyncio.to_thread(own_broker.start)
    await asyncio.to_thread(own_broker.publish, topic, scan(1))
    await asyncio.to_thread(own_broker.stop)
    await asyncio.to_thread(own_broker.start)
    async with following(of) as again:
        await until(lambda: badges(again) == ["001"], within=60)


async def test_retained_messages_are_old_ones_and_passed_over(broker: Mosquitto) -> None:
    of, topic = reader(broker)
    broker.publish(topic, scan(1), retain=True)
    for number in (2, 3):
        async with following(of) as what:
            await subscribed(what)
            broker.publish(topic, scan(number))
            await taken(what, f"00{number}")
            assert badges(what) == [f"00{number}"]
    broker.publish(topic, b"", retain=True)


async def test_as_long_as_nothing_is_understood_nothing_is_acknowledged(broker: Mosquitto) -> None:
    of, topic = reader(broker, fields={"badge": "nobody"})
    messages = [scan(number) for number in range(5)]
    async with following(of) as what:
        await subscribed(what)
        broker.publish(topic, *messages)
        await ended(what)
        assert isinstance(what.trouble, ProtocolBroken)
        assert "it has no nobody" in what.trouble.message
    mended, _ = reader(broker, mqtt={"topic": topic, "client_id": f"muster-{of.machine_id}"})
    async with following(mended) as again:
        await until(lambda: len(again.ids) == 5, within=60)


async def test_another_program_with_our_name_takes_the_contact_over(broker: Mosquitto) -> None:
    of, _ = reader(broker)
    async with following(of) as first:
        await subscribed(first)
        async with following(of) as second:
            await subscribed(second)
            await ended(first)
            assert isinstance(first.trouble, Unreachable)
            assert "another program has our client_id" in first.trouble.message
            assert second.trouble is None


async def test_a_topic_that_is_wanted_no_longer_is_not_read(broker: Mosquitto) -> None:
    of, before = reader(broker)
    async with following(of) as what:
        await subscribed(what)
    broker.publish(before, scan(1))
    changed, topic = reader(broker, mqtt={"client_id": f"muster-{of.machine_id}"})
    async with following(changed) as what:
        await subscribed(what)
        broker.publish(before, scan(2))
        broker.publish(topic, scan(3))
        await until(lambda: badges(what) == ["003"], within=60)


# Who may


@pytest.fixture
def guarded(own_broker: Mosquitto) -> Mosquitto:
    """It wants a password."""
    own_broker.stop()
    passwords = own_broker.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "muster", "s3cret"], check=True)
    passwords.chmod(0o644)
    own_broker.set([f"password_file {passwords}", "allow_anonymous false"])
    own_broker.start()
    return own_broker


async def test_a_password_that_is_refused_is_told_apart(guarded: Mosquitto) -> None:
    for user, password in ((None, None), (None, "s3cret"), ("muster", "wrong"), ("muster", None), ("other", "s3cret")):
        of, _ = reader(guarded, mqtt={"username": user}, password=password)
        async with following(of) as what:
            await ended(what)
            assert isinstance(what.trouble, WrongCredentials), (user, password)
            assert "s3cret" not in what.trouble.message
    of, topic = reader(guarded, mqtt={"username": "muster"}, password="s3cret")
    async with following(of) as what:
        await subscribed(what)
        await asyncio.to_thread(guarded.publish, topic, scan(1), user=("muster", "s3cret"))
        await until(lambda: badges(what) == ["001"], within=60)


@pytest.fixture
def tls(own_broker: Mosquitto) -> Callable[[], str]:
    """It speaks TLS, by a certificate that it has signed itself."""
    own_broker.stop()

    def certificate(name: str) -> str:
        made = own_broker.folder / f"{name}.pem"
        wanted = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2"]
        key = ["-keyout", str(own_broker.folder / f"{name}.key"), "-out", str(made)]
        subprocess.run(["openssl", *wanted, *key], check=True, capture_output=True)
        return made.read_text()

    shown = certificate("broker")
    folder: Path = own_broker.folder
    own_broker.set(["allow_anonymous true", f"certfile {folder}/broker.pem", f"keyfile {folder}/broker.key"])
    own_broker.start()
    return lambda other=False: certificate("another") if other else shown  # type: ignore[misc]


async def test_over_tls_the_broker_must_show_what_is_expected(own_broker: Mosquitto, tls: Callable[..., str]) -> None:
    of, _ = reader(own_broker, mqtt={"tls": True, "certificate": tls()})
    async with following(of) as what:
        await subscribed(what)
    for expected in (tls(other=True), ""):
        of, _ = reader(own_broker, mqtt={"tls": True, "certificate": expected})
        async with following(of) as what:
            await ended(what)
            assert isinstance(what.trouble, WrongCredentials)
            assert "the broker's certificate is not believed" in what.trouble.message
    of, _ = reader(own_broker)
    async with following(of) as what:
        await ended(what)
        assert isinstance(what.trouble, Unreachable)


# What is no broker


Says = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


async def says(answers: bytes) -> tuple[asyncio.Server, int]:
    """A server that says this to whatever it is told first, and then nothing."""

    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reading.read(1000)
            writing.write(answers)
            while await reading.read(1000):
                pass
        writing.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answers", "kind", "sentence"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolBroken, "what answers is no MQTT broker"),
        (b"\x20\x02\0\x01", ProtocolBroken, "does not speak MQTT 3.1.1"),
        (b"\x20\x02\0\x02", NotSetUp, "does not want our client_id"),
        (b"\x20\x02\0\x03", Unreachable, "is not ready"),
        (b"\x20\x02\0\x05", WrongCredentials, "does not let us in"),
        (b"\x20\x02\0\x77", ProtocolBroken, "with the code 119"),
        (b"\x20\x02\0\0\x90\x03\0\x01\x80", WrongCredentials, "does not let us read reader-"),
        (b"\x20\x02\0\0\x20\x02\0\0", ProtocolBroken, "an answer to nothing"),
        (b"", Unreachable, "does not answer within 1 s"),
    ],
    ids=["http", "version", "identifier", "busy", "login", "code", "topic", "twice", "nothing"],
)
async def test_what_does_not_let_us_in_is_told_with_its_reason(answers: bytes, kind: type, sentence: str) -> None:
    server, port = await says(answers)
    of, _ = reader(port, connection={"side": "mqtt", "connect_within": 1 if not answers else 10})
    async with server, following(of) as what:
        await ended(what)
        assert isinstance(what.trouble, kind)
        assert sentence in what.trouble.message


async def test_where_nobody_answers_that_is_told() -> None:
    server, port = await says(b"")
    server.close()
    await server.wait_closed()
    async with following(reader(port)[0]) as what:
        await ended(what)
        assert isinstance(what.trouble, Unreachable)
        assert "refuses the connection" in what.trouble.message


async def test_a_broker_that_has_gone_silent_is_noticed() -> None:
    server, port = await says(b"\x20\x02\0\0\x90\x03\0\x01\x01")
    wanted = Broker.model_construct(topic="t", username=None, keep_alive=1, tls=False, certificate="")
    async with server:
        whole = Datagrams(kind="datagrams")
        line = await MqttLine.open(
            "127.0.0.1", port, wanted, "m", None, clean=True, within=10, framer=lambda: framer(whole)
        )
        with pytest.raises(Unreachable, match="the broker has said nothing for 1 s"):
            await line.receive(30)
        await line.close()


async def test_more_than_can_be_held_waits_in_the_network_and_comes_in_order() -> None:
    large = [b'{"badge":"%d","time":"2026-01-05T08:00:00","x":"%s"}' % (n, b"x" * 4000) for n in range(700)]
    small = [b'{"badge":"%d","time":"2026-01-05T08:00:00"}' % n for n in range(700, 3500)]
    told = b"".join(b"\x30" + _length(len(each) + 3) + b"\0\x01t" + each for each in large + small)
    server, port = await says(b"\x20\x02\0\0\x90\x03\0\x01\x00" + told)
    of, _ = reader(port, mqtt={"topic": "t"}, framing={"kind": "datagrams", "longest": 5000})
    held = asyncio.Event()
    async with server, following(of, held=held) as what:
        await until(lambda: what.batches, within=60)
        held.set()
        await until(lambda: len(what.readings) == 3500, within=60)
        assert badges(what) == [str(number) for number in range(3500)]


async def test_long_topics_wait_in_the_network_too() -> None:
    topic = b"t/" + b"x" * 15_000
    message = b"\x30" + _length(len(topic) + 3) + len(topic).to_bytes(2, "big") + topic + b"1"
    writers: list[asyncio.StreamWriter] = []

    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        writing.write(b"\x20\x02\0\0\x90\x03\0\x01\x00" + message * 900)  # fewer than may be held at once
        writers.append(writing)
        await reading.read()
        writing.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        line = await MqttLine.open(
            "127.0.0.1",
            port,
            Broker(topic="t/#"),
            "m",
            None,
            clean=True,
            within=10,
            framer=lambda: framer(Datagrams(kind="datagrams")),
        )
        left = [-1, 0]
        async with asyncio.timeout(30):
            while left[-1] != left[-2]:  # until it takes no more
                await asyncio.sleep(0.3)
                left.append(writers[0].transport.get_write_buffer_size())
        assert left[-1] > len(message)
        assert len([await line.receive(30) for _ in range(900)]) == 900
        await line.close()


def _length(size: int) -> bytes:
    return bytes([size & 0x7F | 0x80, size >> 7]) if size > 0x7F else bytes([size])


# Before it is saved


async def test_a_test_subscribes_and_disturbs_no_contact(broker: Mosquitto) -> None:
    of, topic = reader(broker)
    driver = Generic(SystemClock())
    async with following(of, driver) as what:
        await subscribed(what)
        steps = await probe(of, driver)
        assert [(step.step, step.ok) for step in steps] == [("settings", True), ("resolve", True), ("subscribe", True)]
        assert steps[-1].result == f"the broker lets us read {topic}"
        broker.publish(topic, scan(1))
        await until(lambda: badges(what) == ["001"], within=60)
        assert what.trouble is None


@pytest.mark.parametrize(
    ("config", "member"),
    [
        ({"mqtt": None}, "config/mqtt"),
        ({"mqtt": {"topic": ""}}, "config/mqtt/topic"),
        ({"mqtt": {"topic": "a/b+"}}, "config/mqtt/topic"),
        ({"mqtt": {"topic": "#/a"}}, "config/mqtt/topic"),
        ({"mqtt": {"topic": "$share/a/b"}}, "config/mqtt/topic"),
        ({"mqtt": {"topic": "a", "certificate": "x"}}, "config/mqtt/certificate"),
        ({"profile": "json-lines"}, "config/framing/kind"),
        ({"acknowledge": {"ok": "x"}}, "config/acknowledge"),
        ({"heartbeat": {"send": "x"}}, "config/heartbeat"),
        ({"login": {"send": "x"}}, "config/login"),
        ({"poll": {"request": "x"}}, "config/poll"),
        (
            {"sequence": {"request": "{from}-{to}"}, "fields": {"badge": "badge", "time": "time", "sequence": "n"}},
            "config/sequence/request",
        ),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused_by_name(config: dict[str, Any], member: str) -> None:
    whole = {"profile": "mqtt-json", "connection": {"side": "mqtt"}, "mqtt": {"topic": "a"}, **config}
    with pytest.raises(Invalid) as refused:
        Generic(SystemClock()).validated(whole)
    assert member in refused.value.fields


def test_certificates_of_a_broker_are_checked() -> None:
    assert Broker(topic="a").context() is None
    context = Broker(topic="a", tls=True).context()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
