"""What Schemathesis does not do by itself: it looks into the events of a stream."""

import json
import os

import jsonschema_rs
import requests
import schemathesis

BASE = os.environ["TRIPLINE_API"]
# An event of the stream, and the type that its data are of, as JSON.
EVENTS = {"alert": "AlertView", "changed": "ChangedAlert"}


_document = None


def validator(name):
    """Of a type of the document."""
    global _document
    if _document is None:
        _document = requests.get(f"{BASE}/v1/openapi.json", timeout=10).json()
    schema = {"$ref": f"#/components/schemas/{name}", "components": _document["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


@schemathesis.check
def events_are_what_they_say(context, response, case):
    """The data of an event are JSON of the type that belongs to it."""
    if not response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        return
    event = None
    for line in response.content.decode().split("\n"):
        field, _, value = line.partition(": ")
        if field == "event":
            event = value
        elif field == "data":
            assert event in EVENTS, f"an event `{event}` is not described"
            for error in validator(EVENTS[event]).iter_errors(json.loads(value)):
                raise AssertionError(f"an event `{event}` at {error.instance_path}: {error.message}")
