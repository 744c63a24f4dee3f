from typing import Any

import pytest

from policies.kinds import DISTRIBUTED, TRAINING
from workload_policy.structure import Flaw, Structure, check_structure

Object = dict[str, Any]

OR_TEXT = "must be a whole number or text, not"
QUOTE = "must be text, not a number: write it in quotes"


def a_workload(spec: Any = None, **fields: Any) -> Object:
    whole = {"apiVersion": "run.ai/v2alpha1", "kind": "TrainingWorkload", "metadata": {"name": "w"}, "spec": spec}
    return whole | fields


def lines_of(raw: Object, **options: Any) -> list[str]:
    found = check_structure(raw, **{"kind": TRAINING, "policy": False, **options})
    assert found.warnings == ()
    return [flaw.line for flaw in found.flaws]


TYPES: dict[str, tuple[Any, list[str]]] = {
    "an empty spec": ({}, []),
    "no spec": (None, []),
    "an integer or text is a number": ({"gpu": {"value": 1}, "cpu": {"value": "0.5"}}, []),
    "an integer has 64 bits": ({"gpu": {"value": -(2**63)}, "cpu": {"value": 2**63 - 1}}, []),
    "a fraction": ({"gpu": {"value": 0.5}}, [f'spec.gpu.value: {OR_TEXT} a fraction: write "0.5" in quotes']),
    "a small fraction": (
        {"gpu": {"value": -1e-7}},
        [f'spec.gpu.value: {OR_TEXT} a fraction: write "-0.0000001" in quotes'],
    ),
    "a fraction too long for a quantity": ({"gpu": {"value": 1e-300}}, [f"spec.gpu.value: {OR_TEXT} a fraction"]),
    "an integer of more than 64 bits": (
        {"gpu": {"value": 2**63}},
        [f'spec.gpu.value: {OR_TEXT} a number of more than 64 bits: write "9223372036854775808" in quotes'],
    ),
    "a float of more than 64 bits": (
        {"gpu": {"value": 1e21}},
        [f'spec.gpu.value: {OR_TEXT} a number of more than 64 bits: write "1000000000000000000000" in quotes'],
    ),
    "a boolean is no number": ({"gpu": {"value": True}}, [f"spec.gpu.value: {OR_TEXT} true or false"]),
    "a list is no number": ({"gpu": {"value": [1]}}, [f"spec.gpu.value: {OR_TEXT} a list"]),
    "a value without wrapper": ({"gpu": 1}, ['spec.gpu: must be an object, not a number: put it under "value"']),
    "an item without wrapper": (
        {"ports": {"items": {"http": 80}}},
        ['spec.ports.items[http]: must be an object, not a number: put it under "value"'],
    ),
    "items that are a list": ({"ports": {"items": []}}, ["spec.ports.items: must be an object, not a list"]),
    "a member": (
        {"ports": {"items": {"a b": {"value": {"container": "80"}}}}},
        ['spec.ports.items["a b"].value.container: must be a whole number, not text'],
    ),
    "a fraction of an integer": (
        {"backoffLimit": {"value": 1.5}},
        ["spec.backoffLimit.value: must be a whole number, not a fraction"],
    ),
    "a long integer": (
        {"backoffLimit": {"value": 2**63}},
        ["spec.backoffLimit.value: must be a whole number, not a number of more than 64 bits"],
    ),
    "a number for text": ({"image": {"value": 5}}, [f"spec.image.value: {QUOTE}"]),
    "a boolean for text": (
        {"image": {"value": True}},
        ["spec.image.value: must be text, not true or false: write it in quotes"],
    ),
    "an object for text": ({"image": {"value": {}}}, ["spec.image.value: must be text, not an object"]),
    "a secret is not repeated": (
        {"environment": {"items": {"PIN": {"value": 1234}}}},
        [f"spec.environment.items[PIN].value: {QUOTE}"],
    ),
    "text for a boolean": ({"hostIpc": {"value": "yes"}}, ["spec.hostIpc.value: must be true or false, not text"]),
    "text for a list": ({"capabilities": {"value": "BPF"}}, ["spec.capabilities.value: must be a list, not text"]),
    "elements of a list": (
        {"capabilities": {"value": ["BPF", 1, None]}},
        [f"spec.capabilities.value[1]: {QUOTE}", "spec.capabilities.value[2]: must be text, not null"],
    ),
    "a spec that is text": ("x", ["spec: must be an object, not text"]),
    "nulls are absent": (
        {"gpu": None, "cpu": {"value": None}, "ports": {"items": {"a": None, "b": {"value": None}}}},
        [],
    ),
    "all at once, in catalogue order": (
        {"hostIpc": {"value": 1}, "gpu": {"value": 0.5}, "gpus": 1},
        [
            'unknown field "spec.gpus", did you mean "spec.gpu"?',
            f'spec.gpu.value: {OR_TEXT} a fraction: write "0.5" in quotes',
            "spec.hostIpc.value: must be true or false, not a number",
        ],
    ),
}


@pytest.mark.parametrize(("spec", "lines"), TYPES.values(), ids=TYPES)
def test_types_are_those_of_the_schema(spec: Any, lines: list[str]) -> None:
    assert lines_of(a_workload(spec)) == lines


# What is wrong, the field, and what was meant.
UNKNOWN: dict[str, tuple[Object, str, str | None]] = {
    "a value": (a_workload({"gpus": {"value": 1}}), "spec.gpus", "spec.gpu"),
    "another case": (a_workload({"GPU": 1}), "spec.GPU", "spec.gpu"),
    "a wrapper's": (a_workload({"gpu": {"values": 1}}), "spec.gpu.values", "spec.gpu.value"),
    "null": (a_workload({"gpu": {"rules": None}}), "spec.gpu.rules", None),
    "with a control character": (a_workload({"a\nb": 1}), 'spec["a\\nb"]', None),
    "of 70 characters": (a_workload({70 * "x": 1}), f'spec["{64 * "x"}..."]', None),
    "an item's": (
        a_workload({"ports": {"items": {"http": {"deletd": True}}}}),
        "spec.ports.items[http].deletd",
        "spec.ports.items[http].deleted",
    ),
    "a member": (
        a_workload({"ports": {"items": {"a b": {"value": {"containr": 1}}}}}),
        'spec.ports.items["a b"].value.containr',
        'spec.ports.items["a b"].value.container',
    ),
    "at the top": (a_workload(specs={}), "specs", "spec"),
    "at the top, strange": (a_workload(**{"a b": 1}), '["a b"]', None),
    "a masterSpec where there is none": (a_workload(masterSpec={}), "masterSpec", None),
    "metadata's": (a_workload(metadata={"name": "w", "label": {}}), "metadata.label", "metadata.labels"),
    "an owner's": (
        a_workload(metadata={"name": "w", "ownerReferences": [{"nam": "x"}]}),
        "metadata.ownerReferences[0].nam",
        "metadata.ownerReferences[0].name",
    ),
}


@pytest.mark.parametrize(("raw", "field", "meant"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_fields_refuse_or_are_dropped(raw: Object, field: str, meant: str | None) -> None:
    sentence = f'unknown field "{field}"' + (f', did you mean "{meant}"?' if meant else "")
    strict, warned, ignored = (
        check_structure(raw, TRAINING, policy=False, field_validation=mode) for mode in ("strict", "warn", "ignore")
    )
    assert strict == Structure(raw, (Flaw(field, sentence),))
    assert warned == Structure(ignored.raw, (), (sentence,))
    assert ignored == Structure(ignored.raw)
    assert lines_of(dict(ignored.raw)) == []


def test_what_is_let_through_loses_only_its_unknown_fields() -> None:
    metadata = {"name": "w", "nick": "x", "creationTimestamp": None, "labels": {"a": "b"}, "finalizers": ["f"]}
    items = {"h": {"value": {"container": 1, "y": 1}}, "n": None}
    raw = a_workload({"gpus": 1, "gpu": {"value": 1, "x": 1}, "ports": {"items": items}}, metadata=metadata)
    assert check_structure(raw, TRAINING, policy=False, field_validation="ignore").raw == a_workload(
        {"gpu": {"value": 1}, "ports": {"items": {"h": {"value": {"container": 1}}, "n": None}}},
        metadata={"name": "w", "creationTimestamp": None, "labels": {"a": "b"}, "finalizers": ["f"]},
    )


def test_wrong_types_refuse_whatever_becomes_of_unknown_fields() -> None:
    found = check_structure(a_workload({"gpus": 1, "gpu": 1}), TRAINING, policy=False, field_validation="warn")
    assert [flaw.field for flaw in found.flaws] == ["spec.gpu"]
    assert found.warnings == ('unknown field "spec.gpus", did you mean "spec.gpu"?',)


NAMELESS = "metadata.name: name or generateName is required"
METADATA: dict[str, tuple[Any, list[str]]] = {
    "a generated name": ({"generateName": "w-"}, []),
    "what a cluster adds": (
        {"name": "w", "creationTimestamp": None, "managedFields": [{"fieldsV1": {"f:spec": {}}}]},
        [],
    ),
    "no name": ({}, [NAMELESS]),
    "an empty name": ({"name": ""}, [NAMELESS]),
    "null": (None, [NAMELESS]),
    "text": ("w", [NAMELESS, "metadata: must be an object, not text"]),
    "a number as name": ({"name": 5}, [f"metadata.name: {QUOTE}"]),
    "a label that YAML reads as a boolean": (
        {"name": "w", "labels": {"on": True}},
        ["metadata.labels[on]: must be text, not true or false: write it in quotes"],
    ),
    "a list as namespace": ({"name": "w", "namespace": []}, ["metadata.namespace: must be text, not a list"]),
    "text as finalizers": ({"name": "w", "finalizers": "x"}, ["metadata.finalizers: must be a list, not text"]),
    "text as an owner": (
        {"name": "w", "ownerReferences": ["x"]},
        ["metadata.ownerReferences[0]: must be an object, not text"],
    ),
}


@pytest.mark.parametrize(("metadata", "lines"), METADATA.values(), ids=METADATA)
def test_metadata_is_that_of_every_object(metadata: Any, lines: list[str]) -> None:
    assert lines_of(a_workload(metadata=metadata)) == lines


@pytest.mark.parametrize("version", ["run.ai/v1", "v2alpha1", "", 1, None])
def test_of_another_version_nothing_else_is_told(version: Any) -> None:
    raw = {"apiVersion": version, "kind": "TrainingWorkload", "specs": {}}
    assert lines_of(raw) == ["apiVersion: must be run.ai/v2alpha1"]


def test_status_is_open() -> None:
    assert lines_of(a_workload({}, status={"anything": [{"goes": 0.5}]})) == []
    assert lines_of(a_workload({}, status=5)) == ["status: must be an object, not a number"]


def test_a_distributed_workload_has_a_master() -> None:
    master = {"gpus": 1, "gpu": {"value": 0.5}, "workers": {"value": 1}}
    assert lines_of(a_workload({}, masterSpec=master), kind=DISTRIBUTED) == [
        'unknown field "masterSpec.gpus", did you mean "masterSpec.gpu"?',
        f'masterSpec.gpu.value: {OR_TEXT} a fraction: write "0.5" in quotes',
    ]


def test_a_policy_keeps_unknown_fields_but_those_of_its_metadata() -> None:
    spec = {"gpuu": {}, "gpu": {"rules": {"mx": 1, "max": 0.5, "options": [{"value": 1.5}]}}}
    raw = a_workload(spec, kind="TrainingPolicy", metadata={"name": "p", "x": 1}, masterSpec={}, more={})
    assert lines_of(raw, policy=True) == [
        'unknown field "metadata.x"',
        f'spec.gpu.rules.max: {OR_TEXT} a fraction: write "0.5" in quotes',
        f'spec.gpu.rules.options[0].value: {OR_TEXT} a fraction: write "1.5" in quotes',
    ]
