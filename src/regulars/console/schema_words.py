"""JSON Schemas of the OpenAPI document in words for people, and example values that match them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from markupsafe import Markup, escape

Schema = Mapping[str, Any]
NULL = {"type": "null"}
PLACEHOLDERS = {"string": "text", "integer": 1, "number": 1.0, "boolean": False}


def with_code(text: str) -> Markup:
    """Return a text as HTML. What is between backticks becomes code."""
    parts = enumerate(text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in parts)


def name_of(schema: Schema) -> str:
    """Return the name of the object that a schema refers to; an empty string if it refers to none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def type_of(schema: Schema) -> Markup:
    """Return the type of a schema as HTML, such as "integer or null", with links to objects."""
    if name := name_of(schema):
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if options := schema.get("anyOf"):
        return _either([type_of(option) for option in options])
    kinds = schema.get("type") or _types_of_values(schema.get("enum", ()))
    return _either([_type_named(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def _type_named(kind: str, schema: Schema) -> Markup:
    if kind == "array":
        return Markup("list of {}").format(type_of(schema.get("items", {})))
    return escape(f"{kind} ({schema['format']})" if "format" in schema else kind)


def _types_of_values(values: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys("null" if value is None else "string" for value in values)) or ["any"]


def _either(options: Sequence[Markup]) -> Markup:
    return Markup(" or ").join(dict.fromkeys(options))


def rule_of(schema: Schema) -> Markup:
    """Return what a value must be beyond its type, as HTML, such as "1 to 100, default 15"; empty if anything."""
    options = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    rules = [rule for option in options for rule in _rules(option)]
    if schema.get("default") is not None:
        rules.append(Markup("default <code>{}</code>").format(as_json(schema["default"])))
    return Markup(", ").join(rules)


def _rules(schema: Schema) -> list[str]:
    rules: list[str] = []
    if values := [value for value in schema.get("enum", ()) if value is not None]:
        rules.append(Markup("one of ") + Markup(", ").join(Markup("<code>{}</code>").format(each) for each in values))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 2**53:
        rules.append(f"{low} to {high}")
    elif low is not None:
        rules.append(f"{low} or more")
    if "maxLength" in schema:
        rules.append(f"at most {schema['maxLength']} characters")
    if "maxItems" in schema:
        rules.append(f"at most {schema['maxItems']} items")
    return rules


def example_of(schema: Schema, objects: Mapping[str, Schema]) -> Any:
    """Return an example of a value. `objects` are the schemas to which references refer, by name."""
    if name := name_of(schema):
        return example_of(objects[name], objects)
    if "examples" in schema:
        return schema["examples"][0]
    if options := schema.get("anyOf", schema.get("oneOf")):
        # A single value that may be null and has no example is usually null, such as the time of a deletion.
        is_single = NULL in options and not any(name_of(option) or "items" in option for option in options)
        return None if is_single else example_of(options[0], objects)
    if "enum" in schema:
        return schema["enum"][0]
    return _example_of_type(schema, objects)


def _example_of_type(schema: Schema, objects: Mapping[str, Schema]) -> Any:
    kinds = schema.get("type")
    kind = kinds if isinstance(kinds, str) or kinds is None else kinds[0]
    if kind == "object":
        return {name: example_of(each, objects) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), objects)]
    return PLACEHOLDERS.get(kind) if kind else None


def as_json(value: Any, indent: int = 0) -> str:
    """Return a value as JSON; with `indent`, on several lines."""
    encoded = msgspec.json.encode(value)
    return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
