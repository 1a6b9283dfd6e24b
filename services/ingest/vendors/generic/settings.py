"""What can be said about a generic machine: its whole profile."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.ingest.domain.reading import ScanType
from services.ingest.vendors.generic.decoding import Binary, Columns, Decoding, Matched, Separated
from services.ingest.vendors.generic.framing import Datagrams, Framing, Pauses
from services.ingest.vendors.generic.mqtt.settings import Broker
from services.ingest.vendors.generic.patterns import PatternText, pattern
from services.ingest.vendors.generic.profiles import JSON_LINES, PROFILES, with_profile
from services.ingest.vendors.generic.templates import Template, places
from services.ingest.vendors.generic.times import TimeForm
from shared.kernel.errors import Invalid, sentence
from shared.kernel.in_words import by_name


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


Seconds = Annotated[float, Field(gt=0, le=86_400)]
Network = Annotated[str, AfterValidator(_network)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(max_length=64)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Connection(_Part):
    """Who calls whom. Address and port are the machine's own: of the machine, or where we wait for it."""

    side: Literal["client", "server", "udp", "mqtt"] = Field(
        description="client: we connect to it; server: it connects to us; udp: it sends us datagrams; mqtt: it tells"
        " a broker"
    )
    bind: str = Field(default="127.0.0.1", min_length=1, max_length=100, description="Where we wait; 0.0.0.0: anywhere")
    allow: tuple[Network, ...] = Field(default=(), max_length=100, description="Whence it may come; empty: anywhere")
    connections: int = Field(default=4, ge=1, le=64, description="How many of it at once; of more, the quietest goes")
    connect_within: Annotated[float, Field(gt=0, le=55)] = Field(default=5, description="Seconds for ours to stand")
    come_within: Annotated[float, Field(gt=0, le=55)] = Field(default=50, description="Seconds before it is missed")
    back_within: Seconds = Field(default=30, description="Seconds that it may be gone between two connections")
    silence: Seconds | None = Field(default=None, description="Seconds of nothing after which it is taken for gone")


class Fields(_Part):
    """Which of the decoded names is what."""

    badge: Name
    time: Name | tuple[Name, ...] | None = Field(
        default=None, description="Several are joined by a blank: date and time; null: the time is ours"
    )
    state: Name | None = None
    verify: Name | None = None
    work_code: Name | None = None
    sequence: Name | None = None
    serial: Name | None = Field(default=None, description="Must then be the serial number of the machine")

    def names(self) -> Iterator[tuple[str, str]]:
        """Member and name."""
        for member in Fields.model_fields:
            value = getattr(self, member)
            for name in (value,) if isinstance(value, str) else value or ():
                yield member, name


class Badge(_Part):
    """What a badge is without. Zeros in front are part of it."""

    prefix: Short = ""
    suffix: Short = ""
    strip: Short = Field(default=" ", description="Characters that go at both ends")


class Answer(_Part):
    """Something that the machine says and that is no record."""

    match: PatternText = Field(description="Found somewhere in the frame; ^ and $ bind it to its ends")
    reply: Template | None = None
    heartbeat: bool = Field(default=False, description="It says this all the time; counts for connection/silence")
    tells_time: bool = Field(default=False, description="It is decoded as a record is, and its time is the clock's")
    nothing_waits: bool = Field(default=False, description="It says this only when all of its records are sent")


class Acknowledge(_Part):
    """What it is told once its records cannot be lost any more, and never before."""

    ok: Template
    nak: Template | None = Field(default=None, description="Asks for a damaged frame again")
    nak_unreadable: bool = Field(default=False, description="Also for what is whole and makes no sense")


class Sequence(_Part):
    """The numbers of its records."""

    first: int = Field(default=0, ge=0)
    last: int | None = Field(default=None, ge=1, description="After this one comes the first again")
    base: Literal[10, 16] = 10
    digits: int = Field(default=0, ge=0, le=20, description="How long {from} and {to} are, filled with zeros")
    request: Template | None = Field(default=None, description="Asks for what is missing: RESEND {from}-{to}")
    again_after: Seconds = 10
    times: int = Field(default=5, ge=1, le=100, description="How often it is asked")


class Heartbeat(_Part):
    """What we say all the time, so that the machine knows of us."""

    send: Template
    every: Seconds = 30


class Login(_Part):
    """What we say first; `{password}` is that of the config."""

    send: Template
    refused: PatternText | None = Field(default=None, description="How it says that it does not want us")


class Poll(_Part):
    """Where it tells only what it is asked."""

    request: Template = Field(description="{sequence} is the last one that is safe here")
    every: Seconds = 10
    end: PatternText | None = Field(default=None, description="How it says that there is no more")


class GenericSettings(_Part):
    """The config of a generic machine, with its profile's part."""

    profile: str | None = None
    connection: Connection | None = Field(default=None, description="Without one the machine is for its files alone")
    mqtt: Broker | None = Field(
        default=None, description="With the side mqtt: what it publishes, and as whom we read it"
    )
    password: str | None = Field(
        default=None, max_length=200, description="For {password} in what is sent, and for the user of mqtt"
    )
    framing: Framing
    decoding: Decoding
    fields: Fields
    badge: Badge = Badge()
    times: tuple[TimeForm, ...] = Field(default=("iso", "year_first"), min_length=1, max_length=10)
    directions: dict[Short, ScanType] = Field(default_factory=dict, max_length=100)
    constants: dict[Name, Short] = Field(default_factory=dict, max_length=100, description="What is missing is this")
    answers: tuple[Answer, ...] = Field(default=(), max_length=20)
    ignore: tuple[PatternText, ...] = Field(default=(), max_length=20, description="Frames that are no records")
    acknowledge: Acknowledge | None = None
    sequence: Sequence | None = None
    heartbeat: Heartbeat | None = None
    login: Login | None = None
    poll: Poll | None = None


def read(config: Mapping[str, Any]) -> GenericSettings:
    """The settings that a config means.

    Raises:
        Invalid: names each member that is wrong.
    """
    name = config.get("profile") or JSON_LINES
    if not isinstance(name, str) or name not in PROFILES:
        raise _wrong({"config/profile": f"{name!r} is none of {sentence(list(PROFILES))}"})
    whole = with_profile(config)
    try:
        settings = GenericSettings.model_validate(whole)
    except ValidationError as error:
        raise _wrong({f"config/{name}": said for name, said in by_name(error.errors(), whole).items()}) from error
    if mistakes := dict(_mistakes(settings)):
        raise _wrong(mistakes)
    return settings


def _mistakes(settings: GenericSettings) -> Iterator[tuple[str, str]]:
    """What is wrong between members."""
    connection = settings.connection
    if connection and connection.side not in ("udp", "mqtt") and isinstance(settings.framing, Datagrams):
        yield "config/framing/kind", "a connection has no datagrams; they are of the sides udp and mqtt"
    if connection and connection.side == "mqtt":
        yield from _mistakes_with_a_broker(settings)
    if connection and connection.side == "udp" and isinstance(settings.framing, Pauses):
        yield "config/framing/kind", "datagrams have no pauses"
    if connection and connection.side != "client" and settings.poll:
        yield "config/poll", "only a machine that we connect to can be asked"
    known = _names(settings.decoding)
    for member, name in settings.fields.names():
        if known is not None and name not in known and name not in settings.constants:
            yield f"config/fields/{member}", f"what is decoded has no {name!r}; it has {sentence(sorted(known))}"
    numbered = settings.fields.sequence is not None
    asked = settings.sequence.request if settings.sequence else None
    if asked and not numbered:
        yield "config/fields/sequence", "is needed to ask for missing records"
    if asked and not {"from", "to"} & places(asked):
        yield "config/sequence/request", "says nothing of {from} and {to}"
    if settings.sequence and settings.sequence.last is not None and settings.sequence.last <= settings.sequence.first:
        yield "config/sequence/last", "is not after the first"
    if settings.acknowledge and "sequence" in places(settings.acknowledge.ok) and not numbered:
        yield "config/fields/sequence", "is needed for the {sequence} of acknowledge"


def _mistakes_with_a_broker(settings: GenericSettings) -> Iterator[tuple[str, str]]:
    """A machine that publishes is told nothing: it is the broker that hears what is safe."""
    if settings.mqtt is None:
        yield "config/mqtt", "is needed: at least the topic"
    if not isinstance(settings.framing, Datagrams):
        yield "config/framing/kind", "each message is a frame: datagrams"
    if settings.sequence and settings.sequence.request:
        yield "config/sequence/request", "what is published cannot be asked for again"
    for member in ("acknowledge", "heartbeat", "login", "poll"):
        if getattr(settings, member) is not None:
            yield f"config/{member}", "a machine that publishes is told nothing; null takes it away"


def _names(decoding: Decoding) -> frozenset[str] | None:
    """The names that can come of it; None where they are not known before."""
    match decoding:
        case Separated() if decoding.columns:
            return frozenset(filter(None, decoding.columns))
        case Matched():
            return pattern(decoding.pattern).groups
        case Columns():
            return frozenset(decoding.columns)
        case Binary():
            return frozenset(decoding.parts)
        case _:
            return None


def _wrong(fields: Mapping[str, str]) -> Invalid:
    said = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return Invalid(f"the config does not fit this type of machine: {said}", fields=fields)
