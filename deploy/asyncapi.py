"""The events as an AsyncAPI 3.0 document, from the classes in `shared.contracts` and nothing else."""

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

import shared.contracts
from shared.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, MOST_IN_A_BATCH
from shared.contracts.event import Event

EXCHANGE = "muster.events"

Json = dict[str, Any]


def asyncapi(events: Sequence[type[Event]], *, samples: Path) -> Json:
    """The document; an event's example is the file `<wire type>.json` in `samples`, where there is one."""
    schemas = {"CloudEvent": _ENVELOPE, **_schemas(events)}
    messages: Json = {}
    for event in events:
        schemas[f"{event.__name__}Event"] = _enveloped(event)
        messages[event.__name__] = _single(event, samples)
        messages[f"{event.__name__}Batch"] = _batch(event)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Muster events",
            "version": version("muster"),
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _SERVER},
        "channels": {event.wire_type: _channel(event) for event in events},
        "operations": {f"publish{event.__name__}": _operation(event) for event in events},
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {"account": {"type": "userPassword", "description": "An account of the broker."}},
        },
    }


_INTRODUCTION = inspect.cleandoc("""
    Facts that Muster publishes for whoever wants them. Each is a CloudEvents 1.0 event in structured JSON; several of
    one type may travel together as a CloudEvents JSON batch. Look at the AMQP property `content-type` to tell which.

    **To subscribe**, declare a durable queue of your own (quorum, with a dead-letter queue), bind it to the topic
    exchange `muster.events` with the routing keys that you want (`attendance.day.updated.v1`, `attendance.#`), and
    acknowledge a message after your own commit. `docs/events.md` has an example. Nothing you do holds up anybody else.

    **What you may rely on.** Delivery is at least once and in no order: an event may come again, later, and after a
    newer one. An event's `id` is the same each time. What carries a `version` is the whole present state: keep it
    where its version is greater than the one you have, and ignore it otherwise. A state with `removed: true` is gone.

    **What changes.** A version of an event only ever gains members that may be absent, so ignore those that you do not
    know. Anything else becomes a new version with a routing key of its own, published beside the old one for a while.
""")

_SERVER: Json = {
    "host": "localhost:5672",
    "protocol": "amqp",
    "protocolVersion": "0.9.1",
    "description": "RabbitMQ of the installation; MUSTER_BUS_URL says where it is. Without one (`muster up`) events "
    "are not open to other systems.",
    "security": [{"$ref": "#/components/securitySchemes/account"}],
}

_ENVELOPE: Json = {
    "title": "CloudEvent",
    "description": "What CloudEvents 1.0 says about an event. `source` and `id` together are unique.",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time", "datacontenttype", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "The same each time that the event is delivered."},
        "source": {"type": "string", "description": "The service that publishes it."},
        "type": {"type": "string", "description": "What happened, with a version; also the routing key."},
        "subject": {"type": "string", "description": "What it is about, to filter by."},
        "time": {"type": "string", "format": "date-time", "description": "When it was published."},
        "datacontenttype": {"const": "application/json"},
    },
}


def _enveloped(event: type[Event]) -> Json:
    return {
        "title": f"{event.__name__}Event",
        "allOf": [
            {"$ref": "#/components/schemas/CloudEvent"},
            {
                "type": "object",
                "properties": {
                    "source": {"const": event.source()},
                    "type": {"const": event.wire_type},
                    "data": {"$ref": f"#/components/schemas/{event.__name__}"},
                },
            },
        ],
    }


def _single(event: type[Event], samples: Path) -> Json:
    message: Json = {
        "name": event.wire_type,
        "title": event.__name__,
        "summary": _first_line(event),
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{event.__name__}Event"},
    }
    file = samples / f"{event.wire_type}.json"
    if file.exists():
        message["examples"] = [{"name": "sample", "payload": json.loads(file.read_text("utf-8"))}]
    return message


def _batch(event: type[Event]) -> Json:
    return {
        "name": f"{event.wire_type} (batch)",
        "title": f"{event.__name__}, several",
        "summary": f"Up to {MOST_IN_A_BATCH} of them in one message.",
        "contentType": BATCH_CONTENT_TYPE,
        "payload": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_IN_A_BATCH,
            "items": {"$ref": f"#/components/schemas/{event.__name__}Event"},
        },
    }


def _channel(event: type[Event]) -> Json:
    lasting = (
        "It reaches who listens at that moment, and durable queues that others bind to it." if event.live_only else None
    )
    return {
        "address": event.wire_type,
        "title": event.__name__,
        "description": "\n\n".join(filter(None, [inspect.cleandoc(event.__doc__ or ""), lasting])),
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in (event.__name__, f"{event.__name__}Batch")
        },
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operation(event: type[Event]) -> Json:
    channel = f"#/channels/{event.wire_type}"
    return {
        "action": "send",
        "title": f"{event.source()} publishes {event.__name__}",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{n}"} for n in (event.__name__, f"{event.__name__}Batch")],
        "bindings": {"amqp": {"deliveryMode": 2, "bindingVersion": "0.3.0"}},
    }


def _first_line(event: type[Event]) -> str:
    return inspect.cleandoc(event.__doc__ or "").partition("\n")[0]


def _schemas(events: Sequence[type[Event]]) -> Json:
    _, schemas = msgspec.json.schema_components(events, ref_template="#/components/schemas/{name}")
    said = dict(_member_docstrings())
    for name, schema in schemas.items():
        _to_draft_7(schema)
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
        for member, shape in schema.get("properties", {}).items():
            if words := said.get((name, member)):
                # Beside a reference nothing else counts.
                schema["properties"][member] = {
                    "description": words,
                    **({"allOf": [shape]} if "$ref" in shape else shape),
                }
    return schemas


def _to_draft_7(schema: Json) -> None:
    """AsyncAPI's schemas are JSON Schema draft 7, where a tuple is `items`."""
    if "prefixItems" in schema:
        schema["items"] = schema.pop("prefixItems")


def _member_docstrings() -> Iterator[tuple[tuple[str, str], str]]:
    """What stands below a member of a contract, by class and member."""
    for module in pkgutil.iter_modules(shared.contracts.__path__, "shared.contracts."):
        tree = ast.parse(inspect.getsource(importlib.import_module(module.name)))
        for found in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for node, after in zip(found.body, found.body[1:], strict=False):
                match node, after:
                    case ast.AnnAssign(target=ast.Name(member)), ast.Expr(ast.Constant(str(words))):
                        yield (found.name, member), inspect.cleandoc(words)
