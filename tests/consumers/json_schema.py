#!/usr/bin/env python3
"""Judges events by their schemas, with the `jsonschema` package and nothing else.

Usage: json_schema.py SCHEMAS EVENTS MADE. The files hold one JSON document a line: the output of `waypost schema --all`, and
twice of `waypost inspect --json`. Every schema must be one of draft 2020-12, and every event must pass. Then each member of
the data of the first events is given each other JSON type in turn, and every such event must be refused; what passes all the same is
printed, as `<member> <type>`, one a line and each once. Ends with a line of counts on the standard error.
"""

import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator

OF_EACH_TYPE = [("null", None), ("bool", True), ("number", 7.5), ("text", "telepathy"), ("array", [[]]), ("object", {"telepathy": {}})]


def type_of(value):
    for name, kind in (("bool", bool), ("number", (int, float)), ("text", str), ("array", list), ("object", dict)):
        if isinstance(value, kind):
            return name
    return "null"


def places(value, name=""):
    """Every place below a value: what holds it, where in there, and the nearest member's name."""
    if isinstance(value, dict):
        steps = [(key, key) for key in value]
    elif isinstance(value, list):
        steps = [(index, name) for index in range(len(value))]
    else:
        return
    for step, inner in steps:
        yield value, step, inner
        yield from places(value[step], inner)


def main():
    validators = {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for schema in map(json.loads, lines):
            Draft202012Validator.check_schema(schema)
            validators[schema["title"]] = Draft202012Validator(schema)
    passed, counts, refused = Counter(), Counter(), []
    with open(sys.argv[2], encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            validator = validators[event["type"]]
            refused += [(event["type"], error.json_path, error.message) for error in validator.iter_errors(event)]
            counts["events"] += 1
            for holder, step, name in list(places(event.get("data"))):
                kept = holder[step]
                for other, value in OF_EACH_TYPE:
                    if other != type_of(kept):
                        holder[step] = value
                        counts["retyped"] += 1
                        if validator.is_valid(event):
                            passed[f"{event['type']} {name} {other}"] += 1
                holder[step] = kept
    with open(sys.argv[3], encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            errors = validators[event["type"]].iter_errors(event)
            refused += [(event["type"], error.json_path, error.message) for error in errors]
            counts["made"] += 1
    for refusal in refused:
        print("refused", *refusal)
    for line in sorted(passed):
        print(line)
    print(len(validators), "schemas,", counts["events"], "events,", counts["made"], "made,", counts["retyped"], "retyped", file=sys.stderr)


main()
