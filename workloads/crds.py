"""The catalogue as the eight CustomResourceDefinitions: names, types and descriptions, nothing else.

What a schema refuses is answered with a bare Invalid before the webhook is asked. Enums, bounds and patterns
are therefore left to the webhook, which tells everything at once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.kinds import GROUP, KINDS, MASTER_SPEC, SPEC, VERSION, Kind
from policies.schema_values import allowed_rules
from policies.values import CATALOGUE, Type, Value, policy_values

Schema = dict[str, Any]

_WORKLOADS = {
    "I": "A workload that a researcher works in, such as a notebook or a shell.",
    "T": "A workload that trains a model, in one pod or in several equal ones, and then ends.",
    "D": "A workload that trains a model in a master and workers that talk to one another.",
    "F": "A workload that serves a model and scales with the demand.",
}
_POLICY = (
    "The defaults and rules for every {0} of the namespace; in the global namespace, for every {0} of each "
    "namespace that has no {1} of its own."
)
_STATUS = "What the system has found out about the object."


def all_crds() -> dict[str, Schema]:
    """The eight CustomResourceDefinitions by their names, the workload kinds first."""
    crds = [_workload_crd(kind) for kind in KINDS] + [_policy_crd(kind) for kind in KINDS]
    return {crd["metadata"]["name"]: crd for crd in crds}


def workload_schema(kind: Kind) -> Schema:
    """What a workload of the kind may hold; a masterSpec has all values, those that it ignores included."""
    values = [value for value in CATALOGUE if value.workload and kind.letter in value.kinds]
    properties = {value.name: _workload_value(value) for value in values}
    blocks = {block: _object(properties, _WORKLOAD_BLOCKS[block]) for block in kind.blocks}
    return _root(blocks, _WORKLOADS[kind.letter])


def policy_schema(kind: Kind) -> Schema:
    """What a policy for the kind may hold.

    Its objects keep what they do not name, so that the webhook sees a mistyped rule and can refuse it.
    """
    blocks = {block: _POLICY_BLOCKS[block](kind) for block in kind.blocks}
    return _keeping(_root(blocks, _POLICY.format(kind.name, kind.policy_name)))


def _workload_crd(kind: Kind) -> Schema:
    names = _names(kind.name, kind.plural) | {"shortNames": [kind.short_name]}
    columns = (
        _column("GPU", ".spec.gpu.value"),
        _column("Image", ".spec.image.value"),
        _column("Usage", ".spec.usage"),
    )
    return _crd(names, workload_schema(kind), columns)


def _policy_crd(kind: Kind) -> Schema:
    columns = (
        _column("Enforcement", ".spec.enforcement"),
        _column("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
    )
    return _crd(_names(kind.policy_name, kind.policy_plural), policy_schema(kind), columns)


def _names(kind: str, plural: str) -> Schema:
    return {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "categories": ["runai"],
    }


def _column(name: str, path: str, kind: str = "string") -> Schema:
    """What `kubectl get` prints beside the name."""
    return {"name": name, "type": kind, "jsonPath": path}


def _crd(names: Schema, schema: Schema, columns: Iterable[Schema]) -> Schema:
    """A namespaced kind with one version and a status of its own."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [*columns, _column("Age", ".metadata.creationTimestamp", "date")],
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


_LEAVES: Mapping[Type, Schema] = {
    Type.STRING: {"type": "string"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.INTEGER: {"type": "integer"},
    Type.NUMBER: {"x-kubernetes-int-or-string": True},
    Type.QUANTITY: {"x-kubernetes-int-or-string": True},
    Type.DURATION: {"type": "string"},
    Type.LIST: {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"},
}


def _root(blocks: Schema, description: str) -> Schema:
    """A kind's whole schema; its status is open."""
    status = {"description": _STATUS, "type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return _object(blocks | {"status": status}, description)


def _object(properties: Schema, description: str = "") -> Schema:
    return _described({"type": "object", "properties": properties}, description)


def _open(description: str) -> Schema:
    """An object whose fields the webhook knows and the schema does not."""
    return _described({"type": "object"}, description)


def _described(schema: Schema, description: str) -> Schema:
    return {"description": description, **schema} if description else schema


def _content(value: Value) -> Schema:
    """What stands under `value`: of a map, in each of its items."""
    if value.members:
        return _object({name: _leaf(member) for name, member in value.members.items()})
    return _leaf(value.item) if value.item else _LEAVES[value.type]


def _leaf(value: Value) -> Schema:
    return _described(_LEAVES[value.type], value.description)


def _labelled(item: Schema, description: str) -> Schema:
    """Items by label, each of which may have another owner (a granular map)."""
    items = {"type": "object", "additionalProperties": item, "x-kubernetes-map-type": "granular"}
    return _described(items, description)


def _keeping(schema: Schema) -> Schema:
    """The schema, with each of its objects keeping the fields that it does not name.

    It must say so on every one: below a declared property pruning starts again.
    """
    kept = {key: _keeping(part) if key in {"items", "additionalProperties"} else part for key, part in schema.items()}
    if "properties" in schema:
        kept["properties"] = {name: _keeping(part) for name, part in schema["properties"].items()}
    if schema.get("type") == "object":
        kept["x-kubernetes-preserve-unknown-fields"] = True
    return kept


_WORKLOAD_BLOCKS = {
    SPEC: "The values of the workload. A policy may add what is left out and refuse what is set.",
    MASTER_SPEC: "The values of the master, where it differs from the workers, which spec describes.",
}
_DELETED = {
    "description": "True removes the item of this label that a policy or the base workload brings.",
    "type": "boolean",
}


def _workload_value(value: Value) -> Schema:
    """One value as workloads write it: bare, under `value`, or as items by label."""
    if value.bare:
        return _leaf(value)
    content = {"value": _content(value)}
    if value.type is Type.MAP:
        content = {"items": _labelled(_object(content | {"deleted": _DELETED}), "The items, by label.")}
    return _object(content, value.description)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as policies write it: what it does, and its schema for a type that may have it."""

    description: str
    schema: Callable[[Type], Schema]


def _switch(_: Type) -> Schema:
    return _LEAVES[Type.BOOLEAN]


def _like_value(kind: Type) -> Schema:
    return _LEAVES[kind]


def _globs(_: Type) -> Schema:
    return _LEAVES[Type.LIST]


def _choices(kind: Type) -> Schema:
    """The options, of a list those of each of its texts."""
    one = Type.STRING if kind is Type.LIST else kind
    option = _object(
        {
            "value": _described(_LEAVES[one], "What may be chosen."),
            "displayed": _described(_LEAVES[Type.STRING], "How user interfaces show it."),
        }
    )
    return {"type": "array", "items": option, "x-kubernetes-list-type": "atomic"}


def _product(_: Type) -> Schema:
    """What `defaultFrom` multiplies."""
    return _object(
        {
            "field": _described(_LEAVES[Type.STRING], "The other value, of the same block or item."),
            "factor": _described(_LEAVES[Type.NUMBER], 'The factor, such as 2 or "0.5"; without it 1.'),
        }
    )


RULES: Mapping[str, Rule] = {
    "required": Rule("True demands that it is set, and not empty.", _switch),
    "canEdit": Rule("False keeps it at the default, or unset without one.", _switch),
    "blocked": Rule("True forbids setting it at all.", _switch),
    "min": Rule("The least that is allowed, written as the value is.", _like_value),
    "max": Rule("The most that is allowed, written as the value is.", _like_value),
    "step": Rule("It must be min, or else 0, plus a multiple of this.", _like_value),
    "defaultFrom": Rule("The default is a multiple of another value.", _product),
    "options": Rule("Only these are allowed.", _choices),
    "matches": Rule("It must match one of these, where * is any text.", _globs),
}
MAP_RULES: Mapping[str, Rule] = {
    "required": Rule("True demands at least one item.", _switch),
    "canAdd": Rule("False allows no labels but the policy's own.", _switch),
}
ITEM_RULES: Mapping[str, Rule] = {
    "canEdit": Rule("False keeps the item as it is here.", _switch),
    "canRemove": Rule("False keeps the item from being removed.", _switch),
}


def rules_of(value: Value) -> Mapping[str, Rule]:
    """The rules that a policy may give to the value or member, in the order of the reference."""
    allowed = allowed_rules(value)
    return MAP_RULES if value.type is Type.MAP else {name: RULES[name] for name in RULES if name in allowed}


def _rules(rules: Mapping[str, Rule], kind: Type, description: str) -> Schema:
    described = {name: _described(rule.schema(kind), rule.description) for name, rule in rules.items()}
    return _object(described, description)


_ENFORCEMENT = (
    "What a violation leads to: Enforce, which is the default, refuses the workload; Warn admits it with a "
    "warning; Audit admits it and records the violation. Defaults are filled in with all three."
)
_MESSAGE = "What the author of a refused workload is told besides: one line of 1 to 256 printable characters."


def _policy_spec(kind: Kind) -> Schema:
    """The spec of a policy: its settings, then its values."""
    settings = {
        "enforcement": _described(_LEAVES[Type.STRING], _ENFORCEMENT),
        "message": _described(_LEAVES[Type.STRING], _MESSAGE),
    }
    values = {name: _policy_value(value) for name, value in policy_values(kind, SPEC).items()}
    return _object(settings | values, "How far the policy is enforced, and its defaults and rules by value.")


def _policy_value(value: Value) -> Schema:
    """One value as policies write it: rules and a default, or of a map its items and the rules of both."""
    parts = {"rules": _rules(rules_of(value), value.type, "The rules of this value.")}
    if value.type is Type.MAP:
        rules = _rules(ITEM_RULES, Type.MAP, "The rules of this item.")
        parts |= {"itemRules": _item_rules(value), "items": _policy_items(value, rules)}
    elif value.workload:
        parts |= {"value": _content(value)}
    return _object(parts, value.description)


def _item_rules(value: Value) -> Schema:
    """The rules of each member; where items are plain, of the one member `value`."""
    members = (value.item,) if value.item else tuple(value.members.values())
    rules = {member.name: _rules(rules_of(member), member.type, member.description) for member in members}
    return _object(rules, "The rules that each item's members keep, by member.")


def _policy_items(value: Value, rules: Schema) -> Schema:
    """The default items. Where they have members, those of DEFAULTS are for all of them."""
    reserved = " Members under DEFAULTS are the defaults of every item's." if value.members else ""
    return _labelled(_object({"rules": rules, "value": _content(value)}), f"The default items, by label.{reserved}")


def _master_spec(kind: Kind) -> Schema:
    """The masterSpec of a policy, in which rules are open objects.

    Spelled out once more they take 96 KiB more, and the CRD, then 278 KiB, is too large for a client-side
    `kubectl apply`.
    """
    values = {name: _master_value(value) for name, value in policy_values(kind, MASTER_SPEC).items()}
    return _object(values, "The defaults and rules of masterSpec. Without it the rules of spec hold there too.")


def _master_value(value: Value) -> Schema:
    parts = {"rules": _open("The rules of this value, the same as under spec.")}
    if value.type is Type.MAP:
        item_rules = _open("The rules that each item's members keep, the same as under spec.")
        items = _policy_items(value, _open("The rules of this item, the same as under spec."))
        parts |= {"itemRules": item_rules, "items": items}
    else:
        parts |= {"value": _content(value)}
    return _object(parts, value.description)


_POLICY_BLOCKS = {SPEC: _policy_spec, MASTER_SPEC: _master_spec}
