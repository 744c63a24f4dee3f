"""What the API server says of a document's structure before any webhook is asked: types and unknown fields."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from policies.kinds import API_VERSION, Kind
from policies.printing import label_step, print_text
from policies.quantity import LONGEST
from policies.workload import Raw
from workload_policy.names import nearest
from workloads.crds import Schema, policy_schema, workload_schema
from workloads.locate import Object, metadata_of

STRICT, WARN = "strict", "warn"  # what else `--field-validation` says ignores unknown fields

OPEN = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
INT64 = range(-(2**63), 2**63)
UNKNOWN_FIELD = "unknown field"

WANTED = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
FOUND = {str: "text", bool: "true or false", type(None): "null", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a document's structure, and where."""

    field: str
    sentence: str

    @property
    def line(self) -> str:
        """The flaw as a line of its own; the sentence on an unknown field names it already."""
        return self.sentence if self.sentence.startswith(UNKNOWN_FIELD) else f"{self.field}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Structure:
    """A document after the checks: `raw` without the unknown fields that were let through, and the rest to say."""

    raw: Object
    flaws: tuple[Flaw, ...] = ()
    warnings: tuple[str, ...] = ()


def check_structure(raw: Object, kind: Kind, *, policy: bool, field_validation: str = STRICT) -> Structure:
    """Look at a workload of the kind, or at a policy for it, as a CREATE with `--validate` would."""
    if raw.get("apiVersion") != API_VERSION:
        return Structure(raw, (Flaw("apiVersion", f"must be {API_VERSION}"),))
    schema = whole_schema(kind, policy=policy)
    unknown = tuple(unknown_fields(raw, schema))
    flaws = (*nameless(raw), *wrong_types(raw, kind, policy=policy))
    if field_validation == STRICT or not unknown:
        return Structure(raw, (*unknown, *flaws))
    warnings = tuple(flaw.sentence for flaw in unknown) if field_validation == WARN else ()
    return Structure(known_only(raw, schema), flaws, warnings)


def nameless(raw: Object) -> Iterator[Flaw]:
    """An object needs a name, or the beginning of one."""
    metadata = metadata_of(raw)
    if not metadata.get("name") and not metadata.get("generateName"):
        yield Flaw("metadata.name", "name or generateName is required")


# Schemas


def _texts(*names: str) -> Schema:
    return {name: {"type": "string"} for name in names}


def _objects(properties: Schema) -> Schema:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_BOOLEAN: Schema = {"type": "boolean"}
_TEXT_MAP: Schema = {"type": "object", "additionalProperties": {"type": "string"}}

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
OBJECT_META: Schema = {
    "type": "object",
    "properties": {
        **_texts("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"),
        **_texts("creationTimestamp", "deletionTimestamp"),
        "generation": {"type": "integer"},
        "deletionGracePeriodSeconds": {"type": "integer"},
        "labels": _TEXT_MAP,
        "annotations": _TEXT_MAP,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": _objects(
            _texts("apiVersion", "kind", "name", "uid") | {"controller": _BOOLEAN, "blockOwnerDeletion": _BOOLEAN}
        ),
        "managedFields": _objects(
            _texts("manager", "operation", "apiVersion", "time", "fieldsType", "subresource")
            | {"fieldsV1": {"type": "object", OPEN: True}}
        ),
    },
}


@cache
def whole_schema(kind: Kind, *, policy: bool) -> Schema:
    """The CRD's schema with what every object has. A policy keeps unknown fields: section 7 tells of them."""
    schema = policy_schema(kind) if policy else workload_schema(kind)
    return schema | {"properties": {**_texts("apiVersion", "kind"), "metadata": OBJECT_META, **schema["properties"]}}


@cache
def type_validator(kind: Kind, *, policy: bool) -> Draft202012Validator:
    """The schema as jsonschema reads it."""
    return Draft202012Validator(in_plain_words(whole_schema(kind, policy=policy)))


def in_plain_words(schema: Schema) -> Schema:
    """The schema without extensions, as the API server takes it: a number beyond 64 bits is no integer."""
    plain = dict(schema)
    if plain.pop(INT_OR_STRING, False):
        plain["type"] = ["integer", "string"]
    if "integer" in plain.get("type", ()):
        plain |= {"minimum": INT64.start, "maximum": INT64.stop - 1}
    for key in {"items", "additionalProperties"} & plain.keys():
        plain[key] = in_plain_words(plain[key])
    if "properties" in plain:
        plain["properties"] = {name: in_plain_words(part) for name, part in plain["properties"].items()}
    return plain


def schema_below(schema: Schema, name: str) -> Schema | None:
    """The schema of a member; None if the schema does not know it."""
    properties = schema.get("properties", {})
    return properties[name] if name in properties else schema.get("additionalProperties")


def path_below(path: str, schema: Schema, key: str | int) -> str:
    """The path of a member (`spec.gpu`), of a labelled item (`items[http]`), of an element (`options[0]`)."""
    if type(key) is int:
        return f"{path}[{key}]"
    name = str(key)
    if name not in schema.get("properties", {}) and "additionalProperties" in schema:
        return f"{path}[{print_text(name)}]"
    return f"{path}{label_step(name)}" if path else label_step(name).removeprefix(".")


# Types


def wrong_types(raw: Object, kind: Kind, *, policy: bool) -> Iterator[Flaw]:
    """What is not of the schema's type. A null member counts as absent: the API server drops it."""
    schema = whole_schema(kind, policy=policy)
    errors = type_validator(kind, policy=policy).iter_errors(without_nulls(raw, schema))
    for error in sorted(errors, key=lambda error: order_of(error.absolute_path, schema)):
        yield Flaw(path_of(error.absolute_path, schema), sentence_of(error))


def order_of(keys: Iterable[str | int], schema: Schema) -> list[tuple[int, str]]:
    """Where a path stands: fields in the schema's order, labels in code-point order after them."""
    order = []
    for key in keys:
        fields = list(schema.get("properties", ()))
        order.append((key, "") if type(key) is int else (fields.index(key) if key in fields else len(fields), str(key)))
        schema = schema["items"] if type(key) is int else schema_below(schema, str(key)) or {}
    return order


def without_nulls(node: Raw, schema: Schema) -> Raw:
    """The node without its null members, as deep as the schema goes."""
    if type(node) is list and "items" in schema:
        return [without_nulls(element, schema["items"]) for element in node]
    if type(node) is not dict:
        return node
    return {
        name: without_nulls(child, schema_below(schema, name) or {})
        for name, child in node.items()
        if child is not None
    }


def path_of(keys: Iterable[str | int], schema: Schema) -> str:
    """The path that keys lead along."""
    path = ""
    for key in keys:
        path = path_below(path, schema, key)
        schema = schema["items"] if type(key) is int else schema_below(schema, str(key)) or {}
    return path


def sentence_of(error: ValidationError) -> str:
    """`must be a whole number or text, not a fraction: write "0.5" in quotes`."""
    schema: Any = error.schema
    types = schema["type"] if type(schema["type"]) is list else [schema["type"]]
    wanted = " or ".join(WANTED[name] for name in types)
    return f"must be {wanted}, not {found_word(error.instance)}{hint(schema, types, error.instance)}"


def found_word(instance: Raw) -> str:
    """What stands there instead, without its value, which may be a secret."""
    if type(instance) is float:
        return "a fraction" if instance % 1 else "a number of more than 64 bits"
    if type(instance) is int:
        return "a number" if instance in INT64 else "a number of more than 64 bits"
    return FOUND[type(instance)]


def hint(schema: Mapping[str, Any], types: list[str], instance: Raw) -> str:
    """How to write what was meant, where that is plain."""
    if type(instance) in (int, float) and types == ["integer", "string"]:
        digits = format(Decimal(repr(instance)), "f")
        return f': write "{digits}" in quotes' if len(digits) <= LONGEST else ""
    if type(instance) in (int, float, bool) and types == ["string"]:
        return ": write it in quotes"
    return ': put it under "value"' if "value" in schema.get("properties", {}) else ""


# Unknown fields


def unknown_fields(node: Raw, schema: Schema, path: str = "") -> Iterator[Flaw]:
    """Fields that the schema neither names nor keeps, as strict field validation tells of them."""
    for key, child in nodes_below(node, schema):
        below = schema["items"] if type(key) is int else schema_below(schema, str(key))
        place = path_below(path, schema, key)
        if below is not None:
            yield from unknown_fields(child, below, place)
        elif not schema.get(OPEN):
            yield Flaw(place, unknown_sentence(place, str(key), schema, path))


def nodes_below(node: Raw, schema: Schema) -> Iterable[tuple[str | int, Raw]]:
    """The members of an object, the elements of a list of which the schema says something."""
    if type(node) is dict:
        return node.items()
    return enumerate(node) if type(node) is list and "items" in schema else ()


def unknown_sentence(place: str, name: str, schema: Schema, path: str) -> str:
    """As the API server says it, with the nearest field that exists: `…, did you mean "spec.gpu"?`."""
    close = nearest(name, schema.get("properties", {}))
    meant = f', did you mean "{path_below(path, schema, close)}"?' if close else ""
    return f'{UNKNOWN_FIELD} "{place}"{meant}'


def known_only(node: Raw, schema: Schema) -> Raw:
    """The node without its unknown fields, as the API server prunes it."""
    if type(node) is list and "items" in schema:
        return [known_only(element, schema["items"]) for element in node]
    if type(node) is not dict:
        return node
    return {
        name: known_only(child, schema_below(schema, name) or {OPEN: True})
        for name, child in node.items()
        if schema.get(OPEN) or schema_below(schema, name) is not None
    }
