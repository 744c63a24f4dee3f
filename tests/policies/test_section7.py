"""Section 7: what a policy is refused for, what it is warned of, and how one that cannot be read governs."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import golden
import pytest
from golden import Object

from policies.kinds import POLICY_KINDS
from policies.lookup import Snapshot
from policies.reach import MOST_TRIED
from policies.schema import Problem, parse_policy
from webhook.admit import admit
from workloads.locate import snapshot_of

Lines = list[str]


def a_policy(spec: Any, kind: str = "Interactive", **entry: Any) -> Object:
    return next(golden.policies_in({"kind": kind, "policies": [{"spec": spec, **entry}]}))


def a_workload(name: str = "job-1", namespace: str = "runai-a", *, kind: str = "Interactive", **spec: Any) -> Object:
    case = {"kind": kind, "stored": [{"name": name, "namespace": namespace, "spec": {"name": "job", **spec}}]}
    return next(golden.stored_in(case))


def lines_on(raw: Object) -> Lines:
    policy = parse_policy(raw, POLICY_KINDS[raw["kind"]], "runai-a", "p")
    return [problem.message for problem in policy.problems]


# Every bullet

NUMBER, QUANTITY = 'must be a number such as 2 or "0.5"', "must be a quantity such as 500m or 2Gi"
WHOLE, DURATION = "must be a whole number", "must be a duration such as 90s or 2h"
FLAG, TEXT, LIST, OBJECT = "must be true or false", "must be text", "must be a list of text", "must be an object"
ONE_LINE = "spec.message: must be one line of 1 to 256 printable characters"
MODES = "spec.enforcement: must be one of: Enforce, Warn, Audit"


def rules(**of_a_value: Any) -> Object:
    return {"rules": of_a_value}


def from_field(field: Any, **rest: Any) -> Object:
    return {"defaultFrom": {"field": field, **rest}}


def options(*values: Any) -> list[Object]:
    return [{"value": value} for value in values]


def an_item(label: str, **item: Any) -> Object:
    return {"items": {label: item}}


INTERACTIVE: dict[str, tuple[Any, Lines]] = {
    "nothing": ({}, []),
    "no spec": (None, []),
    "a null value": ({"gpu": None, "ports": None}, []),
    "a null default": ({"gpu": {"value": None, "rules": {"max": None, "blocked": None}}}, []),
    "a null item": ({"ports": {"items": {"a": None}, "itemRules": {"container": None}, "rules": None}}, []),
    "a spec that is no object": ([1], ["spec: must be an object"]),
    # unknown fields
    "an unknown value": ({"gpuu": {}}, ["spec.gpuu: unknown field, did you mean gpu?"]),
    "an unknown value like none": ({"zzz": 1}, ["spec.zzz: unknown field"]),
    "a label-like field is printed as text": ({"a b": 1}, ['spec["a b"]: unknown field']),
    "unknown fields come last, in order": (
        {"zz": 1, "aa": 1, "workingDir": rules(max=1)},
        ["spec.workingDir.rules.max: a string has no max", "spec.aa: unknown field", "spec.zz: unknown field"],
    ),
    "a value of workloads only": ({"usage": {"value": "Template"}}, ["spec.usage: unknown field"]),
    "a value of another kind": ({"parallelism": {"value": 1}}, ["spec.parallelism: unknown field"]),
    "an unknown field of a value": ({"gpu": {"rule": {}}}, ["spec.gpu.rule: unknown field, did you mean rules?"]),
    "an unknown rule": ({"gpu": rules(minn=1)}, ["spec.gpu.rules.minn: unknown field, did you mean min?"]),
    "an unknown field of a map": ({"ports": {"item": {}}}, ["spec.ports.item: unknown field, did you mean items?"]),
    "an unknown field of an item": (
        {"ports": an_item("a", valu={})},
        ["spec.ports.items[a].valu: unknown field, did you mean value?"],
    ),
    "an unknown member in itemRules": (
        {"ports": {"itemRules": {"contaner": {}}}},
        ["spec.ports.itemRules.contaner: unknown field, did you mean container?"],
    ),
    "an unknown member of an item": (
        {"ports": an_item("a", value={"contaner": 1, "container": 1})},
        ["spec.ports.items[a].value.contaner: unknown field, did you mean container?"],
    ),
    "an unknown member of DEFAULTS": (
        {"ports": an_item("DEFAULTS", value={"contaner": 1}, x=1)},
        [
            "spec.ports.items[DEFAULTS].value.contaner: unknown field, did you mean container?",
            "spec.ports.items[DEFAULTS].x: unknown field",
        ],
    ),
    "an unknown field of a formula": (
        {"cpu": rules(**from_field("gpu", facto=1))},
        ["spec.cpu.rules.defaultFrom.facto: unknown field, did you mean factor?"],
    ),
    "a member of a plain map other than value": (
        {"labels": {"itemRules": {"team": {}}}},
        ["spec.labels.itemRules.team: unknown field"],
    ),
    # wrong types
    "a boolean has no min": ({"hostIpc": rules(min=1)}, ["spec.hostIpc.rules.min: a boolean has no min"]),
    "a bound of the wrong type": ({"gpu": rules(max="lots")}, [f"spec.gpu.rules.max: {NUMBER}"]),
    "a bound without quotes": ({"gpu": rules(max=0.5)}, [f"spec.gpu.rules.max: {NUMBER}"]),
    "true is no number": ({"gpu": rules(min=True)}, [f"spec.gpu.rules.min: {NUMBER}"]),
    "a default of the wrong type": ({"gpu": {"value": "x"}}, [f"spec.gpu.value: {NUMBER}"]),
    "a default without quotes": ({"gpu": {"value": 0.5}}, [f"spec.gpu.value: {NUMBER}"]),
    "a factor of the wrong type": (
        {"cpu": rules(**from_field("gpu", factor="x"))},
        [f"spec.cpu.rules.defaultFrom.factor: {NUMBER}"],
    ),
    "a factor without quotes": (
        {"cpu": rules(**from_field("gpu", factor=0.5))},
        [f"spec.cpu.rules.defaultFrom.factor: {NUMBER}"],
    ),
    "a factor of 0": (
        {"cpu": rules(**from_field("gpu", factor=0))},
        ["spec.cpu.rules.defaultFrom.factor: must be greater than 0"],
    ),
    "a factor below 0": (
        {"cpu": rules(**from_field("gpu", factor="-1m"))},
        ["spec.cpu.rules.defaultFrom.factor: must be greater than 0"],
    ),
    "a formula that is no object": ({"cpu": rules(defaultFrom=5)}, [f"spec.cpu.rules.defaultFrom: {OBJECT}"]),
    "a formula without a field": (
        {"cpu": rules(defaultFrom={})},
        ["spec.cpu.rules.defaultFrom.field: is required"],
    ),
    "a field that is no text": ({"cpu": rules(**from_field(5))}, [f"spec.cpu.rules.defaultFrom.field: {TEXT}"]),
    "a value that is no object": ({"gpu": 5, "ports": 5}, [f"spec.gpu: {OBJECT}", f"spec.ports: {OBJECT}"]),
    "rules that are no object": (
        {"gpu": {"rules": 5}, "ports": {"rules": 5, "itemRules": 5, "items": 5}},
        [
            f"spec.gpu.rules: {OBJECT}",
            f"spec.ports.rules: {OBJECT}",
            f"spec.ports.itemRules: {OBJECT}",
            f"spec.ports.items: {OBJECT}",
        ],
    ),
    "items that are no objects": (
        {"ports": {"items": {"a": 5, "DEFAULTS": 5, "b": {"value": 5}, "c": {"rules": 5}}}},
        [
            f"spec.ports.items[DEFAULTS]: {OBJECT}",
            f"spec.ports.items[a]: {OBJECT}",
            f"spec.ports.items[b].value: {OBJECT}",
            f"spec.ports.items[c].rules: {OBJECT}",
        ],
    ),
    "member rules that are no object": (
        {"ports": {"itemRules": {"container": 5}}},
        [f"spec.ports.itemRules.container: {OBJECT}"],
    ),
    "the path is as deep as the problem": (
        {"ports": {"itemRules": {"container": {"min": "x"}}, **an_item("http", value={"container": "y"})}},
        [f"spec.ports.itemRules.container.min: {WHOLE}", f"spec.ports.items[http].value.container: {WHOLE}"],
    ),
    "a member of DEFAULTS of the wrong type": (
        {"ports": an_item("DEFAULTS", value={"container": "y"})},
        [f"spec.ports.items[DEFAULTS].value.container: {WHOLE}"],
    ),
    "a plain item of the wrong type": (
        {"labels": an_item("team", value=5), "extendedResources": an_item("x", value="x")},
        [f"spec.extendedResources.items[x].value: {QUANTITY}", f"spec.labels.items[team].value: {TEXT}"],
    ),
    # bounds
    "min above max": ({"gpu": rules(min="4", max="1")}, ["spec.gpu.rules: min 4 is above max 1"]),
    "min equal to max": ({"memory": rules(min="1024Mi", max="1Gi")}, []),
    "min above max of a member": (
        {"ports": {"itemRules": {"container": {"min": 5, "max": 4}}}},
        ["spec.ports.itemRules.container: min 5 is above max 4"],
    ),
    "step 0": ({"gpu": rules(step="0")}, ["spec.gpu.rules.step: must be greater than 0"]),
    "step below 0": ({"cpu": rules(step="-1m")}, ["spec.cpu.rules.step: must be greater than 0"]),
    "no options": ({"gpu": rules(options=[])}, ["spec.gpu.rules.options: is empty"]),
    "an option again": ({"gpu": rules(options=options("1", 1))}, ["spec.gpu.rules.options: repeats 1"]),
    "an option in other case": (
        {"imagePullPolicy": rules(options=options("Always", "ALWAYS"))},
        ["spec.imagePullPolicy.rules.options: repeats ALWAYS"],
    ),
    "two options again": (
        {"image": rules(options=options("a", "b", "a", "b"))},
        ["spec.image.rules.options: repeats a", "spec.image.rules.options: repeats b"],
    ),
    "options of the wrong shape": (
        {"image": rules(options=[{"value": 1}, {}, 5, {"value": "a", "displayed": 1, "z": 1}])},
        [
            f"spec.image.rules.options[0].value: {TEXT}",
            "spec.image.rules.options[1].value: is required",
            f"spec.image.rules.options[2]: {OBJECT}",
            f"spec.image.rules.options[3].displayed: {TEXT}",
            "spec.image.rules.options[3].z: unknown field",
        ],
    ),
    "displayed": ({"image": rules(options=[{"value": "a", "displayed": "A"}, {"value": "b", "displayed": None}])}, []),
    "no globs": ({"image": rules(matches=[])}, ["spec.image.rules.matches: is empty"]),
    "a glob again": ({"image": rules(matches=["a*", "b", "a*"])}, ["spec.image.rules.matches: repeats a*"]),
    "a glob that is no text": ({"image": rules(matches=["a*", 5])}, [f"spec.image.rules.matches[1]: {TEXT}"]),
    # defaults
    "a default above max": ({"gpu": {"value": "5", **rules(max="4")}}, ["spec.gpu.value: must be no greater than 4"]),
    "a default below min": ({"gpu": {"value": "1", **rules(min="2")}}, ["spec.gpu.value: must be no less than 2"]),
    "a default off the step": (
        {"cpu": {"value": "2", **rules(min="1", step="2")}},
        ["spec.cpu.value: must be 1 plus a multiple of 2"],
    ),
    "a default that is no option": (
        {"image": {"value": "c", **rules(options=options("a", "b"))}},
        ["spec.image.value: must be one of: a, b"],
    ),
    "a default that matches no glob": (
        {"image": {"value": "c", **rules(matches=["a*"])}},
        ["spec.image.value: must match a*"],
    ),
    "an empty default of what is required": (
        {"image": {"value": "", **rules(required=True)}},
        ["spec.image.value: is required"],
    ),
    "a locked default is not held against itself": ({"gpu": {"value": "1", **rules(canEdit=False)}}, []),
    "a default that section 6 refuses": (
        {
            "cpu": {"value": "-1"},
            "gpu": {"value": "1.5"},
            "imagePullPolicy": {"value": "sometimes"},
            "memory": {"value": 0},
            "migProfile": {"value": "x"},
            "name": {"value": "A"},
            "runAsUid": {"value": -1},
        },
        [
            "spec: gpu and migProfile cannot both have a value",
            "spec.cpu.value: must be no less than 0",
            "spec.gpu.value: must be a whole number or a fraction between 0 and 1",
            "spec.imagePullPolicy.value: must be one of: Always, IfNotPresent, Never",
            "spec.memory.value: must be greater than 0",
            "spec.migProfile.value: must look like 1g.5gb",
            "spec.name.value: must be a DNS label (lower-case letters, digits and -, a letter first, at most 63)",
            "spec.runAsUid.value: must be no less than 0",
        ],
    ),
    "section 6 adds none of the same kind": (
        {"runAsUid": {"value": -1, **rules(min=5)}},
        ["spec.runAsUid.value: must be no less than 5"],
    ),
    "a limit below its request": (
        {"cpu": {"value": "4"}, "cpuLimit": {"value": "2"}},
        ["spec.cpuLimit.value: must be no less than cpu"],
    ),
    "an item above max": (
        {"ports": {"itemRules": {"external": {"max": 5}}, **an_item("http", value={"container": 1, "external": 6})}},
        ["spec.ports.items[http].value.external: must be no greater than 5"],
    ),
    "an item without a mandatory member": (
        {"ports": an_item("http", value={"external": 6})},
        ["spec.ports.items[http].value.container: is required"],
    ),
    "an item that DEFAULTS completes": (
        {"ports": {"items": {"http": {"value": {"external": 6}}, "DEFAULTS": {"value": {"container": 80}}}}},
        [],
    ),
    "an item that DEFAULTS spoils": (
        {
            "ports": {
                "itemRules": {"external": {"max": 5}},
                "items": {"http": {"value": {"container": 1}}, "DEFAULTS": {"value": {"external": 6}}},
            }
        },
        [
            "spec.ports.items[DEFAULTS].value.external: must be no greater than 5",
            "spec.ports.items[http].value.external: must be no greater than 5",
        ],
    ),
    "an item that defaultFrom spoils": (
        {
            "ports": {
                "itemRules": {"external": {"max": 5, **from_field("container")}},
                **an_item("http", value={"container": 6}),
            }
        },
        ["spec.ports.items[http].value.external: must be no greater than 5"],
    ),
    "an item's locked member is not held against itself": (
        {
            "ports": {
                "itemRules": {"toolName": {"canEdit": False}},
                "items": {
                    "http": {"value": {"container": 1, "toolName": "a"}},
                    "DEFAULTS": {"value": {"toolName": "b"}},
                },
            }
        },
        [],
    ),
    "a member in the other spelling": (
        {
            "exposedUrls": {
                "itemRules": {"container": {"max": 9}},
                **an_item("a", value={"containerPort": 10}),
            }
        },
        ["spec.exposedUrls.items[a].value.containerPort: must be no greater than 9"],
    ),
    "a plain item that matches no glob": (
        {"labels": {"itemRules": {"value": {"matches": ["a*"]}}, **an_item("t", value="b")}},
        ["spec.labels.items[t].value: must match a*"],
    ),
    "an item that section 6 refuses as a whole": (
        {
            "extendedResources": an_item("nvidia.com/gpu", value=1),
            "pvcs": an_item("a", value={"path": "/x"}),
        },
        [
            "spec.extendedResources.items[nvidia.com/gpu].value: cannot be set here: use gpu",
            "spec.pvcs.items[a].value: needs size or claimName",
        ],
    ),
    "an item whose members section 6 refuses": (
        {
            "environment": an_item("A", value="SECRET:x"),
            "exposedUrls": an_item("a", value={"container": 1, "authorizedUsers": ["a"], "authorizedGroups": ["b"]}),
            "ports": an_item("a b", value={"container": 0, "serviceType": "x"}),
            "tolerations": an_item("t", value={"operator": "Exists", "value": "x", "seconds": 5}),
        },
        [
            "spec.environment.items[A].value: must be SECRET:<name>,<key>",
            "spec.exposedUrls.items[a].value.authorizedGroups: cannot be set together with authorizedUsers",
            'spec.ports.items["a b"].value.container: must be no less than 1',
            'spec.ports.items["a b"].value.serviceType: must be one of: LoadBalancer, NodePort, ClusterIP',
            "spec.tolerations.items[t].value.value: cannot be set with operator Exists",
            "spec.tolerations.items[t].value.seconds: needs effect NoExecute",
        ],
    ),
    "members of DEFAULTS that exclude each other": (
        {"exposedUrls": an_item("DEFAULTS", value={"authorizedUsers": ["a"], "authorizedGroups": ["b"]})},
        ["spec.exposedUrls.items[DEFAULTS].value.authorizedGroups: cannot be set together with authorizedUsers"],
    ),
    "a member of DEFAULTS that is blocked": (
        {
            "ports": {
                "itemRules": {"external": {"blocked": True}},
                **an_item("DEFAULTS", value={"external": 70000}),
            }
        },
        ["spec.ports.items[DEFAULTS].value.external: cannot be set: the policy does not allow it"],
    ),
    # contradictions
    "required and locked without a value": (
        {"gpu": rules(required=True, canEdit=False)},
        ["spec.gpu.rules: required with canEdit false needs a value"],
    ),
    "required and locked with a formula": (
        {"cpu": rules(required=True, canEdit=False, **from_field("gpu"))},
        [],
    ),
    "a locked member without a value": (
        {"ports": {"itemRules": {"external": {"required": True, "canEdit": False}}}},
        ["spec.ports.itemRules.external: required with canEdit false needs a value"],
    ),
    "a locked member with a value in an item": (
        {
            "ports": {
                "itemRules": {"external": {"required": True, "canEdit": False}},
                **an_item("a", value={"container": 1, "external": 2}),
            }
        },
        [],
    ),
    "a required map that allows no item": (
        {"ports": rules(required=True, canAdd=False)},
        ["spec.ports.rules: required with canAdd false needs an item"],
    ),
    "a required map that has only DEFAULTS": (
        {"ports": {**rules(required=True, canAdd=False), **an_item("DEFAULTS", value={"container": 1})}},
        ["spec.ports.rules: required with canAdd false needs an item"],
    ),
    "a required map with an item": ({"labels": {**rules(required=True, canAdd=False), **an_item("a", value="x")}}, []),
    "blocked with a value": ({"gpu": {"value": "6", **rules(blocked=True)}}, ["spec.gpu: blocked allows no value"]),
    "blocked with a formula": (
        {"cpu": rules(blocked=True, **from_field("gpu"))},
        ["spec.cpu: blocked allows no value"],
    ),
    "a blocked member with a formula": (
        {"ports": {"itemRules": {"external": {"blocked": True, **from_field("container")}}}},
        ["spec.ports.itemRules.external: blocked allows no value"],
    ),
    "blocked and required": (
        {"gpu": rules(blocked=True, required=True)},
        ["spec.gpu.rules: required and blocked exclude each other"],
    ),
    "a blocked and required member": (
        {"ports": {"itemRules": {"external": {"blocked": True, "required": True}}}},
        ["spec.ports.itemRules.external: required and blocked exclude each other"],
    ),
    "value and formula": (
        {"cpu": {"value": "1", **rules(**from_field("gpu"))}},
        ["spec.cpu: value and defaultFrom exclude each other"],
    ),
    "an unreadable value counts as one": (
        {"cpu": {"value": "x", **rules(required=True, canEdit=False)}, "gpu": {"value": [], **rules(blocked=True)}},
        [f"spec.cpu.value: {NUMBER}", f"spec.gpu.value: {NUMBER}", "spec.gpu: blocked allows no value"],
    ),
    "two values of a group": (
        {"gpu": {"value": "1"}, "gpuMemory": {"value": "1G"}},
        ["spec: gpu and gpuMemory cannot both have a value"],
    ),
    "three values of a group": (
        {"gpuDevices": {"value": 1}, "gpuMemory": {"value": "1G"}, "migProfile": {"value": "1g.5gb"}},
        [
            "spec: gpuDevices and gpuMemory cannot both have a value",
            "spec: gpuDevices and migProfile cannot both have a value",
        ],
    ),
    "the other groups": (
        {name: {"value": "a"} for name in ("name", "namePrefix", "nodePool", "nodePools")},
        [
            "spec: name and namePrefix cannot both have a value",
            "spec: nodePool and nodePools cannot both have a value",
        ],
    ),
    "rules of two of a group": ({"gpu": {"value": "1"}, "gpuMemory": rules(max="1G")}, []),
    # formulas
    "no such field": (
        {"cpu": rules(**from_field("x"))},
        ["spec.cpu.rules.defaultFrom.field: no number named x"],
    ),
    "a field's name is printed as text": (
        {"cpu": rules(**from_field("a b"))},
        ['spec.cpu.rules.defaultFrom.field: no number named "a b"'],
    ),
    "a field that is no number": (
        {"cpu": rules(**from_field("image"))},
        ["spec.cpu.rules.defaultFrom.field: no number named image"],
    ),
    "a field of another kind": (
        {"cpu": rules(**from_field("parallelism"))},
        ["spec.cpu.rules.defaultFrom.field: no number named parallelism"],
    ),
    "a field that workloads lack": (
        {"cpu": rules(**from_field("totalGpu"))},
        ["spec.cpu.rules.defaultFrom.field: no number named totalGpu"],
    ),
    "a member's field outside of its item": (
        {"ports": {"itemRules": {"external": from_field("gpu")}}},
        ["spec.ports.itemRules.external.defaultFrom.field: no number named gpu"],
    ),
    "a cycle of two": (
        {"cpu": rules(**from_field("cpuLimit")), "cpuLimit": rules(**from_field("cpu"))},
        [
            "spec.cpu.rules.defaultFrom.field: is part of a cycle: cpu, cpuLimit, cpu",
            "spec.cpuLimit.rules.defaultFrom.field: is part of a cycle: cpuLimit, cpu, cpuLimit",
        ],
    ),
    "a cycle of one": (
        {"cpu": rules(**from_field("cpu"))},
        ["spec.cpu.rules.defaultFrom.field: is part of a cycle: cpu, cpu"],
    ),
    "a way into a cycle is no part of it": (
        {
            "cpu": rules(**from_field("gpu")),
            "gpu": rules(**from_field("memory")),
            "memory": rules(**from_field("gpu")),
        },
        [
            "spec.gpu.rules.defaultFrom.field: is part of a cycle: gpu, memory, gpu",
            "spec.memory.rules.defaultFrom.field: is part of a cycle: memory, gpu, memory",
        ],
    ),
    "a cycle of members": (
        {"ports": {"itemRules": {"container": from_field("external"), "external": from_field("container")}}},
        [
            "spec.ports.itemRules.container.defaultFrom.field: is part of a cycle: container, external, container",
            "spec.ports.itemRules.external.defaultFrom.field: is part of a cycle: external, container, external",
        ],
    ),
    "a plain map's formula stands on itself": (
        {"extendedResources": {"itemRules": {"value": from_field("value")}}},
        ["spec.extendedResources.itemRules.value.defaultFrom.field: is part of a cycle: value, value"],
    ),
    "a chain": ({"cpu": rules(**from_field("gpu")), "memory": rules(**from_field("cpu", factor="1Gi"))}, []),
    # maps
    "DEFAULTS has no rules": (
        {"ports": an_item("DEFAULTS", rules={"canEdit": False})},
        ["spec.ports.items[DEFAULTS].rules: cannot be set"],
    ),
    "DEFAULTS is an ordinary label of a plain map": (
        {"environment": an_item("DEFAULTS", rules={"canEdit": False}, value="x")},
        [],
    ),
    "a map has no canEdit": (
        {"annotations": rules(canEdit=True)},
        ["spec.annotations.rules.canEdit: a map has no canEdit"],
    ),
    "an item has no canAdd": (
        {"ports": an_item("a", rules={"canAdd": True, "min": 1, "x": 1})},
        [
            "spec.ports.items[a].rules.canAdd: an item has no canAdd",
            "spec.ports.items[a].rules.min: an item has no min",
            "spec.ports.items[a].rules.x: unknown field",
        ],
    ),
    "flags of maps and items": (
        {"ports": {"rules": {"required": 1, "canAdd": "x"}, **an_item("a", rules={"canEdit": 0, "canRemove": []})}},
        [
            f"spec.ports.rules.required: {FLAG}",
            f"spec.ports.rules.canAdd: {FLAG}",
            f"spec.ports.items[a].rules.canEdit: {FLAG}",
            f"spec.ports.items[a].rules.canRemove: {FLAG}",
        ],
    ),
    # totalGpu
    "totalGpu has min and max": ({"totalGpu": rules(min="1", max="8")}, []),
    "totalGpu has no value": ({"totalGpu": {"value": "1"}}, ["spec.totalGpu.value: totalGpu has no value"]),
    "totalGpu has no other rule": (
        {"totalGpu": rules(required=True, canEdit=False, blocked=True, step="1", options=options("1"))},
        [
            "spec.totalGpu.rules.blocked: totalGpu has no blocked",
            "spec.totalGpu.rules.canEdit: totalGpu has no canEdit",
            "spec.totalGpu.rules.options: totalGpu has no options",
            "spec.totalGpu.rules.required: totalGpu has no required",
            "spec.totalGpu.rules.step: totalGpu has no step",
        ],
    ),
    "totalGpu out of order": ({"totalGpu": rules(min="2", max="1")}, ["spec.totalGpu.rules: min 2 is above max 1"]),
    # enforcement and message
    "an enforcement in other case": ({"enforcement": "enforce"}, [MODES]),
    "an enforcement that is no text": ({"enforcement": ["Warn"]}, [MODES]),
    "the three enforcements": ({"enforcement": "Audit"}, []),
    "a null enforcement and message": ({"enforcement": None, "message": None}, []),
    "an empty message": ({"message": ""}, [ONE_LINE]),
    "a message of two lines": ({"message": "a\nb"}, [ONE_LINE]),
    "a message with a line separator": ({"message": "a\u2028b"}, [ONE_LINE]),
    "a message with a tab": ({"message": "a\tb"}, [ONE_LINE]),
    "a message that is no text": ({"message": 5}, [ONE_LINE]),
    "a message of 256": ({"message": "ä" * 256}, []),
    "a message of 257": ({"message": "ä" * 257}, [ONE_LINE]),
    # order
    "all at once, in catalogue order": (
        {
            "workingDir": {"value": 5},
            "gpuu": {},
            "ports": {"rules": {"x": 1}},
            "gpu": {"value": []},
            "message": "",
            "active": {"value": 1},
            "enforcement": "",
        },
        [
            MODES,
            ONE_LINE,
            f"spec.active.value: {FLAG}",
            f"spec.gpu.value: {NUMBER}",
            "spec.ports.rules.x: unknown field",
            f"spec.workingDir.value: {TEXT}",
            "spec.gpuu: unknown field, did you mean gpu?",
        ],
    ),
    "values that clash stand in catalogue order too": (
        {"cpu": {"value": "4"}, "cpuLimit": {"value": "2"}, "image": rules(matches=[])},
        ["spec.cpuLimit.value: must be no less than cpu", "spec.image.rules.matches: is empty"],
    ),
}

OTHERS: dict[str, tuple[str, Any, Lines]] = {
    "parallelism above completions": (
        "Training",
        {"parallelism": {"value": 5}, "completions": {"value": 3}},
        ["spec.parallelism.value: must be no greater than completions"],
    ),
    "minScale above maxScale": (
        "Inference",
        {"minScale": {"value": 3}, "maxScale": {"value": 2}},
        ["spec.minScale.value: must be no greater than maxScale"],
    ),
    "two ways to be deleted": (
        "Training",
        {"ttlAfterFinish": {"value": "1h"}, "autoDeletionTimeAfterCompletionSeconds": {"value": 1}},
        ["spec: autoDeletionTimeAfterCompletionSeconds and ttlAfterFinish cannot both have a value"],
    ),
    "a duration out of order": (
        "Training",
        {"ttlAfterFinish": {"value": "1m1h"}},
        [f"spec.ttlAfterFinish.value: {DURATION}"],
    ),
    "members of an object": (
        "Distributed",
        {"mpiJob": {"value": {"slotsPerWorker": 0, "launcherCreationPolicy": "q"}}},
        [
            "spec.mpiJob.value.slotsPerWorker: must be no less than 1",
            "spec.mpiJob.value.launcherCreationPolicy: must be one of: AtStartup, WaitForWorkersReady",
        ],
    ),
    "members of an object that cannot be read": (
        "Distributed",
        {"mpiJob": {"value": {"slotsPerWorker": "x", "launcherCreationPolicy": 5, "slots": 1}}},
        [
            "spec.mpiJob.value.slots: unknown field",
            f"spec.mpiJob.value.slotsPerWorker: {WHOLE}",
            f"spec.mpiJob.value.launcherCreationPolicy: {TEXT}",
        ],
    ),
    "a masterSpec": (
        "Distributed",
        {"gpu": {"value": "x"}, "masterSpec": {"gpu": rules(max="x"), "cpu": {"value": "2"}, "cpuLimit": {"value": 1}}},
        [
            f"spec.gpu.value: {NUMBER}",
            "masterSpec.cpuLimit.value: must be no less than cpu",
            f"masterSpec.gpu.rules.max: {NUMBER}",
        ],
    ),
    "what a masterSpec cannot have": (
        "Distributed",
        {"masterSpec": {"workers": {}, "totalGpu": {}, "enforcement": "Warn", "message": "x"}},
        [
            "masterSpec.enforcement: unknown field",
            "masterSpec.message: unknown field",
            "masterSpec.totalGpu: unknown field",
            "masterSpec.workers: unknown field",
        ],
    ),
    "a masterSpec that is no object": ("Distributed", {"masterSpec": 5}, ["masterSpec: must be an object"]),
    "a null masterSpec": ("Distributed", {"masterSpec": None}, []),
    "a masterSpec of another kind": ("Training", {"masterSpec": {}}, ["masterSpec: unknown field"]),
}
REFUSED = {name: ("Interactive", *case) for name, case in INTERACTIVE.items()} | OTHERS


@pytest.mark.parametrize(("kind", "spec", "lines"), REFUSED.values(), ids=REFUSED)
def test_problems(kind: str, spec: Any, lines: Lines) -> None:
    assert lines_on(a_policy(spec, kind)) == lines


def test_unknown_fields_of_the_root() -> None:
    raw = {**a_policy({"gpuu": {}}), "sepc": {}, "status": {"x": 1}, "masterSpec": {}, "a b": 1}
    assert lines_on(raw) == [
        "spec.gpuu: unknown field, did you mean gpu?",
        '["a b"]: unknown field',
        "masterSpec: unknown field",
        "sepc: unknown field, did you mean spec?",
    ]


def test_a_problem_is_a_line() -> None:
    assert Problem("spec.gpu", "must be an object").message == "spec.gpu: must be an object"


# Every rule on every type

# a value of each type: its kind, name, article, what its operand must be, what a broken one is not, one that is fine
TYPES: dict[str, tuple[str, str, str, str, str, Any]] = {
    "string": ("Interactive", "image", "a string", TEXT, "text", "a"),
    "boolean": ("Interactive", "hostIpc", "a boolean", FLAG, "true or false", True),
    "integer": ("Interactive", "runAsUid", "an integer", WHOLE, "a whole number", 5),
    "number": ("Interactive", "cpu", "a number", NUMBER, "a number", "5"),
    "quantity": ("Interactive", "memory", "a quantity", QUANTITY, "a quantity", "5Gi"),
    "duration": ("Training", "ttlAfterFinish", "a duration", DURATION, "a duration", "5m"),
    "list": ("Interactive", "capabilities", "a list", LIST, "a list", ["KILL"]),
    "object": ("Distributed", "mpiJob", "an object", OBJECT, "an object", {"slotsPerWorker": 1}),
}
FLAGS = ("blocked", "canEdit", "required")
HAVE = {
    "blocked": set(TYPES),
    "canEdit": set(TYPES),
    "required": set(TYPES),
    "min": {"integer", "number", "quantity", "duration"},
    "max": {"integer", "number", "quantity", "duration"},
    "step": {"integer", "number", "quantity"},
    "options": {"string", "integer", "number", "quantity", "list"},
    "matches": {"string", "list"},
    "defaultFrom": {"integer", "number", "quantity"},
    "canAdd": set[str](),
    "canRemove": set[str](),
}
PAIRS = [pytest.param(rule, kind, id=f"{rule}-{kind}") for rule in HAVE for kind in TYPES]
UNREADABLE = {"x": 1}


def problem_with(rule: str, expected: str) -> str:
    if rule in FLAGS:
        return FLAG
    return {
        "options": "must be a list of options",
        "matches": LIST,
    }.get(rule, expected)


@pytest.mark.parametrize(("rule", "type_name"), PAIRS)
def test_a_rule_fits_its_types(rule: str, type_name: str) -> None:
    kind, name, article, expected, _, _ = TYPES[type_name]
    path = f"spec.{name}.rules.{rule}"
    if type_name not in HAVE[rule]:
        expected_lines = [f"{path}: {article} has no {rule}"]
    elif rule == "defaultFrom":
        expected_lines = [f"{path}.field: is required", f"{path}.x: unknown field"]
    else:
        expected_lines = [f"{path}: {problem_with(rule, expected)}"]
    assert lines_on(a_policy({name: rules(**{rule: UNREADABLE})}, kind)) == expected_lines


@pytest.mark.parametrize(("rule", "type_name"), PAIRS)
def test_a_rule_takes_an_operand_of_its_type(rule: str, type_name: str) -> None:
    kind, name, _, _, _, fine = TYPES[type_name]
    operands = {
        **dict.fromkeys(FLAGS, True),
        "options": options("KILL" if type_name == "list" else fine),
        "matches": ["a*"],
        "defaultFrom": {"field": "gpu", "factor": "2"},
    }
    problems = lines_on(a_policy({name: rules(**{rule: operands.get(rule, fine)})}, kind))
    assert bool(problems) is (type_name not in HAVE[rule])


# Stored policies that cannot be read


def verdict(policy: Any, workload: Object, kind: str = "Interactive", **case: Any) -> tuple[Object, Lines]:
    """The patch and the lines that a workload gets under a stored policy."""
    answer = golden.answer_to({"kind": kind, "policy": policy, "workload": workload, **case})
    return answer.patch, answer.lines


@pytest.mark.parametrize(("rule", "type_name"), [pair for pair in PAIRS if pair.values[0] != "defaultFrom"])
def test_a_rule_that_cannot_be_read_refuses_what_sets_its_value(rule: str, type_name: str) -> None:
    kind, name, _, _, noun, fine = TYPES[type_name]
    what = {"options": "a list", "matches": "a list", **dict.fromkeys(FLAGS, "true or false")}.get(rule, noun)
    line = f"{name}: cannot be checked: the policy's {rule} is not {what}"
    policy = {name: rules(**{rule: UNREADABLE})}
    written = {f"{name}!": {"value": fine}}
    assert verdict(policy, written, kind) == ({}, [line] if type_name in HAVE[rule] else [])
    assert verdict(policy, {}, kind) == ({}, [])
    assert verdict(policy, {**written, "workingDir": "/b"}, kind, old=written) == ({}, [])


UNREAD: dict[str, tuple[Any, Object, Object, Lines]] = {
    "an option that is no text": (
        {"image": rules(options=options(5))},
        {"image": "a"},
        {},
        ["image: cannot be checked: the policy's options is not text"],
    ),
    "an option without a value": (
        {"image": rules(options=[{}])},
        {"image": "a"},
        {},
        ["image: cannot be checked: the policy's options is not text"],
    ),
    "an option of a list that is no text": (
        {"capabilities": rules(options=options(5))},
        {"capabilities": ["KILL"]},
        {},
        ["capabilities: cannot be checked: the policy's options is not text"],
    ),
    "an option that is no number": (
        {"gpu": rules(options=options("x"))},
        {"gpu": 1},
        {},
        ["gpu: cannot be checked: the policy's options is not a number"],
    ),
    "no options": (
        {"gpu": rules(options=[])},
        {"gpu": 1},
        {},
        ["gpu: cannot be checked: the policy's options is empty"],
    ),
    "what is displayed does not matter": (
        {"gpu": rules(options=[{"value": 1, "displayed": 5}])},
        {"gpu": 1},
        {},
        [],
    ),
    "options that repeat": ({"gpu": rules(options=options(1, "1"))}, {"gpu": 1}, {}, []),
    "no globs": (
        {"image": rules(matches=[])},
        {"image": "a"},
        {},
        ["image: cannot be checked: the policy's matches is empty"],
    ),
    "a glob that is no text": (
        {"image": rules(matches=["a", 5])},
        {"image": "a"},
        {},
        ["image: cannot be checked: the policy's matches is not text"],
    ),
    "a step of 0": (
        {"gpu": rules(step=0)},
        {"gpu": 1},
        {},
        ["gpu: cannot be checked: the policy's step is not greater than 0"],
    ),
    "a step from an unreadable min starts at 0": (
        {"gpu": rules(min="x", step=2)},
        {"gpu": 3},
        {},
        ["gpu: cannot be checked: the policy's min is not a number", "gpu: must be a multiple of 2"],
    ),
    "min above max refuses all": (
        {"gpu": rules(min=4, max=1)},
        {"gpu": 2},
        {},
        ["gpu: must be no less than 4", "gpu: must be no greater than 1"],
    ),
    "a bound without quotes": (
        {"gpu": rules(max=0.5)},
        {"gpu": 2},
        {},
        ["gpu: cannot be checked: the policy's max is not a number"],
    ),
    "the other spelling is refused too": (
        {"gpu": rules(max="x")},
        {"gpuDevices": 2},
        {},
        ["gpuDevices: cannot be checked: the policy's max is not a number"],
    ),
    "what can be read is enforced": (
        {"gpu": rules(max="x", min="3", required=True), "cpu": rules(required=True), "zzz": 1},
        {"gpu": 2},
        {},
        [
            "cpu: is required",
            "gpu: must be no less than 3",
            "gpu: cannot be checked: the policy's max is not a number",
        ],
    ),
    "an absent value is not refused": ({"gpu": rules(max="x", required=True)}, {}, {}, ["gpu: is required"]),
    "a value that is no object": (
        {"gpu": 5},
        {"gpu": 2},
        {},
        ["gpu: cannot be checked: the policy's gpu is not an object"],
    ),
    "rules that are no object": (
        {"gpu": {"rules": 5, "value": "1"}},
        {"gpu": 2},
        {},
        ["gpu: cannot be checked: the policy's rules is not an object"],
    ),
    "its default is filled all the same, and refused": (
        {"gpu": {"rules": 5, "value": "1"}},
        {},
        {"/spec/gpu": {"value": "1"}},
        ["gpu: cannot be checked: the policy's rules is not an object"],
    ),
    "a spec that is no object": (5, {"gpu": 2}, {}, ["spec: cannot be checked: the policy's spec is not an object"]),
    "a map that is no object": (
        {"ports": 5},
        {"ports.a": {"container": 1}},
        {},
        ["ports: cannot be checked: the policy's ports is not an object"],
    ),
    "a map that is no object refuses no deleted item": ({"ports": 5}, {"ports.a": "deleted"}, {}, []),
    "a map's rules that are no object": (
        {"labels": {"rules": 5}},
        {"labels.a": "x"},
        {},
        ["labels: cannot be checked: the policy's rules is not an object"],
    ),
    "itemRules that are no object": (
        {"labels": {"itemRules": 5}},
        {"labels.a": "x"},
        {},
        ["labels: cannot be checked: the policy's itemRules is not an object"],
    ),
    "items that are no object": (
        {"labels": {"items": 5}},
        {"labels.a": "x"},
        {},
        ["labels: cannot be checked: the policy's items is not an object"],
    ),
    "an item that is no object": (
        {"labels": {"items": {"a": 5}}},
        {"labels.a": "x", "labels.b": "x"},
        {},
        ["labels.a: cannot be checked: the policy's item is not an object"],
    ),
    "an item's rules that are no object": (
        {"labels": {"items": {"a": {"rules": 5}}}},
        {"labels.a": "x", "labels.b": "x"},
        {},
        ["labels.a: cannot be checked: the policy's rules is not an object"],
    ),
    "a DEFAULTS that is no object": ({"ports": {"items": {"DEFAULTS": 5}}}, {"ports.a": {"container": 1}}, {}, []),
    "a map's required": (
        {"labels": {"rules": {"required": 1}}},
        {"labels.a": "x"},
        {},
        ["labels: cannot be checked: the policy's required is not true or false"],
    ),
    "a map's canAdd": (
        {"labels": {"rules": {"canAdd": 1}}},
        {"labels.a": "x"},
        {},
        ["labels: cannot be checked: the policy's canAdd is not true or false"],
    ),
    "an item's canEdit": (
        {"labels": {"items": {"a": {"rules": {"canEdit": 1}}}}},
        {"labels.a": "x"},
        {},
        ["labels.a: cannot be checked: the policy's canEdit is not true or false"],
    ),
    "an item's canRemove": (
        {"labels": {"items": {"a": {"rules": {"canRemove": 1}}}}},
        {"labels.a": "x"},
        {},
        ["labels.a: cannot be checked: the policy's canRemove is not true or false"],
    ),
    "a member's max": (
        {"ports": {"itemRules": {"external": {"max": "x"}}}},
        {"ports.a": {"container": 1, "external": 2}, "ports.b": {"container": 1}},
        {},
        ["ports.a.external: cannot be checked: the policy's max is not a whole number"],
    ),
    "a member's rules that are no object": (
        {"ports": {"itemRules": {"external": 5}}},
        {"ports.a": {"container": 1, "external": 2}, "ports.b": {"container": 1}},
        {},
        ["ports.a.external: cannot be checked: the policy's rules is not an object"],
    ),
    "a plain map's member": (
        {"labels": {"itemRules": {"value": {"matches": 5}}}},
        {"labels.a": "x"},
        {},
        ["labels.a: cannot be checked: the policy's matches is not a list"],
    ),
    "a default that cannot be read is not filled": (
        {"gpu": {"value": 0.5}, "image": {"value": 5}, "labels": {"items": {"a": {"value": 5}, "b": {"value": "x"}}}},
        {},
        {"/spec/labels": {"items": {"b": {"value": "x"}}}},
        [],
    ),
    "a locked default that cannot be read": (
        {"gpu": {"value": "x", **rules(canEdit=False)}},
        {"gpu": 2},
        {},
        ["gpu: cannot be checked: the policy's value is not a number"],
    ),
    "a locked default that cannot be read wants nothing": ({"gpu": {"value": "x", **rules(canEdit=False)}}, {}, {}, []),
    "a locked item whose value cannot be read": (
        {"labels": an_item("a", value=5, rules={"canEdit": False})},
        {"labels.a": "x"},
        {},
        ["labels.a: cannot be checked: the policy's value is not text"],
    ),
    "a locked item of which a member cannot be read": (
        {"ports": an_item("a", value={"container": "x"}, rules={"canEdit": False})},
        {"ports.a": {"container": 1}},
        {},
        ["ports.a: cannot be checked: the policy's value is not an object"],
    ),
    "a formula that cannot be read is not filled": (
        {
            "cpu": rules(defaultFrom=5),
            "memory": rules(**from_field("x")),
            "cpuLimit": rules(**from_field("gpu", factor=0)),
        },
        {"gpu": 1},
        {},
        [],
    ),
    "totalGpu's max": (
        {"totalGpu": rules(max="x")},
        {"gpu": 1},
        {},
        ["totalGpu: cannot be checked: the policy's max is not a number"],
    ),
    "totalGpu's max without a GPU": ({"totalGpu": rules(max="x")}, {}, {}, []),
    "totalGpu that is no object": (
        {"totalGpu": 5},
        {"gpuDevices": 1},
        {},
        ["totalGpu: cannot be checked: the policy's totalGpu is not an object"],
    ),
    "totalGpu's value is none": ({"totalGpu": {"value": 5}}, {"gpu": 1}, {}, []),
    "an enforcement counts as Enforce, a message as none": (
        {"enforcement": "warn", "message": 5, "gpu": rules(max="1")},
        {"gpu": 2},
        {},
        ["gpu: must be no greater than 1"],
    ),
}


@pytest.mark.parametrize(("policy", "workload", "patch", "lines"), UNREAD.values(), ids=UNREAD)
def test_a_stored_policy_that_would_be_refused_governs(
    policy: Any, workload: Object, patch: Object, lines: Lines
) -> None:
    assert verdict(policy, workload) == (patch, lines)


def test_a_masterspec_that_cannot_be_read_refuses_what_has_one() -> None:
    line = "masterSpec: cannot be checked: the policy's masterSpec is not an object"
    assert verdict({"masterSpec": 5}, {"masterSpec": {"cpu": 1}}, "Distributed") == ({}, [line])
    assert verdict({"masterSpec": 5}, {"cpu": 1}, "Distributed") == ({}, [])


def test_an_object_of_which_a_member_cannot_be_read_is_not_filled() -> None:
    policy = {"mpiJob": {"value": {"slotsPerWorker": "x", "sshAuthMountPath": "/a"}}}
    assert verdict(policy, {}, "Distributed") == ({}, [])


def test_the_cause_is_invalid_and_the_rule_that_rule() -> None:
    answer = golden.answer_to({"policy": {"gpu": rules(max="x")}, "workload": {"gpu": 1}})
    assert answer.causes == [["FieldValueInvalid", "spec.gpu.value"]]


# Through the webhook


def respond(new: Object, *there: Object, old: Object | None = None, clock: Callable[[], float] | None = None) -> Object:
    """The response of /validate-policy in a cluster that holds `there`."""
    snapshot = snapshot_of(there)
    if clock is None:
        return golden.ask("validate-policy", new, old, snapshot)
    answer = admit("validate-policy", golden.review_of(new, old), snapshot, clock)
    response: Object = json.loads(answer.body)["response"]
    del response["uid"]
    return response


def refused(*lines: str, kind: str = "Interactive", told: int = 100) -> Object:
    causes = [
        {"reason": "FieldValueInvalid", "message": line, "field": line.partition(": ")[0]} for line in lines[:told]
    ]
    more = [f"and {len(lines) - told} more"] if len(lines) > told else []
    return {
        "allowed": False,
        "status": {
            "status": "Failure",
            "code": 403,
            "reason": "Forbidden",
            "message": "\n".join([*lines[:told], *more]),
            "details": {"group": "run.ai", "kind": f"{kind}Policy", "name": "p", "causes": causes},
        },
        "auditAnnotations": {"violations": json.dumps(lines)},
    }


def admitted(*warnings: str) -> Object:
    return {"allowed": True, **({"warnings": list(warnings)} if warnings else {})}


BAD = {"gpuu": {}, "gpu": rules(max="x")}
BAD_LINES = (f"spec.gpu.rules.max: {NUMBER}", "spec.gpuu: unknown field, did you mean gpu?")
GOVERNS = "InteractivePolicy runai-a/other governs; in the same namespace not in force: p"
ALREADY = "metadata.namespace: InteractivePolicy other already governs runai-a"


def test_a_policy_is_admitted() -> None:
    assert respond(a_policy({"gpu": {"value": "1"}})) == admitted()


def test_all_problems_are_told_at_once() -> None:
    assert respond(a_policy(BAD)) == refused(*BAD_LINES)


def test_more_than_100_problems() -> None:
    lines = [f"spec.labels.items[a{number:03}].value: must be text" for number in range(107)]
    items = {f"a{number:03}": {"value": number} for number in range(107)}
    assert respond(a_policy({"labels": {"items": items}})) == refused(*lines)


UNCHANGED: dict[str, tuple[Object, Object, bool]] = {
    "the same rules": (a_policy(BAD), a_policy(BAD), True),
    "the same rules, other metadata": (a_policy(BAD, created="2026-01-02T00:00:00Z"), a_policy(BAD), True),
    "the same rules, another status": ({**a_policy(BAD), "status": {"x": 1}}, a_policy(BAD), True),
    "the same rules in another order": (a_policy(dict(reversed(BAD.items()))), a_policy(BAD), True),
    "other rules": (a_policy({**BAD, "cpu": {}}), a_policy(BAD), False),
    "true for 1": (a_policy({**BAD, "hostIpc": {"value": True}}), a_policy({**BAD, "hostIpc": {"value": 1}}), False),
    "1 for true": (a_policy({**BAD, "cpu": {"value": 1}}), a_policy({**BAD, "cpu": {"value": True}}), False),
    "another masterSpec": (
        a_policy({**BAD, "masterSpec": {"cpu": {}}}, "Distributed"),
        a_policy({**BAD, "masterSpec": {}}, "Distributed"),
        False,
    ),
}


@pytest.mark.parametrize(("new", "old", "unchanged"), UNCHANGED.values(), ids=UNCHANGED)
def test_an_update_is_checked_when_spec_changes(new: Object, old: Object, unchanged: bool) -> None:
    kind = new["kind"].removesuffix("Policy")
    assert respond(new, old, old=old) == (admitted() if unchanged else refused(*BAD_LINES, kind=kind))


def test_a_second_policy_of_a_kind_is_refused_when_it_is_created() -> None:
    assert respond(a_policy({}), a_policy({}, name="other")) == refused(ALREADY)
    assert respond(a_policy(BAD), a_policy({}, name="other")) == refused(*BAD_LINES, ALREADY)


@pytest.mark.parametrize(
    "other",
    [
        a_policy({}, name="other", namespace="runai-b"),
        a_policy({}, name="other", namespace="runai"),
        a_policy({}, "Training", name="other"),
        a_policy({}, name="p"),
    ],
    ids=["in another namespace", "in the global namespace", "of another kind", "of the same name"],
)
def test_it_is_no_second_policy(other: Object) -> None:
    assert respond(a_policy({}), other) == admitted()


def test_a_write_to_either_of_two_policies_is_warned() -> None:
    older = a_policy({}, name="other", created="2026-01-01T00:00:00Z")
    younger = a_policy({}, created="2026-01-02T00:00:00Z")
    assert respond(younger, older, younger, old=younger) == admitted(GOVERNS)
    assert respond(older, older, younger, old=older) == admitted(GOVERNS)
    assert respond(a_policy({"cpu": {}}), older, younger, old=younger) == admitted(GOVERNS)


# What it would refuse

MAX4 = {"gpu": rules(max="4")}


def would(*names: str, namespace: str = "runai-a") -> Lines:
    return [f"would refuse {namespace}/{name}: gpu: must be no greater than 4" for name in names]


REACH: dict[str, tuple[Object, tuple[Object, ...], Lines]] = {
    "one that it refuses": (
        a_policy(MAX4),
        (a_workload("a", gpu=5), a_workload("b", gpu=4), a_workload("c")),
        would("a"),
    ),
    "ten are named": (
        a_policy(MAX4),
        tuple(a_workload(f"job-{number:02}", gpu=5) for number in reversed(range(17))),
        [*would(*(f"job-{number:02}" for number in range(10))), "and 7 more"],
    ),
    "the first line is told": (
        a_policy({"cpu": rules(required=True), **MAX4}),
        (a_workload("a", gpu=5),),
        ["would refuse runai-a/a: cpu: is required"],
    ),
    "what section 6 refuses is not its doing": (a_policy(MAX4), (a_workload("a", gpu="1.5"),), []),
    "its defaults are there first": (a_policy({"cpu": {"value": "1", **rules(required=True)}}), (a_workload("a"),), []),
    "another kind is out of reach": (a_policy(MAX4), (a_workload("a", kind="Training", gpu=5),), []),
    "another namespace is out of reach": (a_policy(MAX4), (a_workload("a", "runai-b", gpu=5),), []),
    "a workload that is being deleted is left out": (
        a_policy(MAX4),
        (
            {
                **a_workload("a", gpu=5),
                "metadata": {"name": "a", "namespace": "runai-a", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            },
        ),
        [],
    ),
    "under Warn nothing is refused": (a_policy({**MAX4, "enforcement": "Warn"}), (a_workload("a", gpu=5),), []),
    "under Audit nothing is refused": (a_policy({**MAX4, "enforcement": "Audit"}), (a_workload("a", gpu=5),), []),
    "the global policy reaches namespaces without their own": (
        a_policy(MAX4, namespace="runai"),
        (
            a_policy({}, namespace="runai-b"),
            a_policy({}, "Training", namespace="runai-c"),
            a_workload("a", "runai", gpu=5),
            a_workload("b", "runai-b", gpu=5),
            a_workload("c", "runai-c", gpu=5),
        ),
        [*would("a", namespace="runai"), *would("c", namespace="runai-c")],
    ),
    "a base counts": (
        a_policy(MAX4),
        (a_workload("b", usage="Template", gpu=4), a_workload("a", baseWorkload="t"), a_workload("t", gpu=5)),
        would("a", "t"),
    ),
    "a base that is gone is not its doing": (a_policy(MAX4), (a_workload("a", baseWorkload="t"),), []),
}


@pytest.mark.parametrize(("policy", "there", "warnings"), REACH.values(), ids=REACH)
def test_what_it_would_refuse(policy: Object, there: tuple[Object, ...], warnings: Lines) -> None:
    assert respond(policy, *there) == admitted(*warnings)


def test_an_update_without_a_change_is_warned_too() -> None:
    policy = a_policy(MAX4)
    assert respond(policy, policy, a_workload("a", gpu=5), old=policy) == admitted(*would("a"))


def test_one_that_does_not_govern_refuses_nothing() -> None:
    older = a_policy({}, name="other", created="2026-01-01T00:00:00Z")
    younger = a_policy(MAX4, created="2026-01-02T00:00:00Z")
    assert respond(younger, older, younger, a_workload("a", gpu=5), old=younger) == admitted(GOVERNS)


def test_a_refused_policy_is_not_tried() -> None:
    assert respond(a_policy({**MAX4, **BAD}), a_workload("a", gpu=5)) == refused(*BAD_LINES)


def ticking(step: float) -> Callable[[], float]:
    """A clock that moves on whenever it is looked at."""
    times: Iterator[float] = itertools.count(0.0, step)
    return lambda: next(times)


def test_it_is_tried_for_a_second() -> None:
    there = [a_workload(f"job-{number}", gpu=5) for number in range(9)]
    assert respond(a_policy(MAX4), *there, clock=ticking(0.25)) == admitted(*would("job-0", "job-1", "job-2", "job-3"))
    assert respond(a_policy(MAX4), *there, clock=ticking(2)) == admitted()


def test_at_most_2000_are_tried() -> None:
    one = next(iter(snapshot_of([a_workload("a", gpu=5)]).workloads.values()))
    keys = [("InteractiveWorkload", "runai-a", f"job-{number:04}") for number in range(2003)]
    looks: list[float] = []

    def clock() -> float:
        looks.append(0)
        return 0

    snapshot = Snapshot(workloads=dict.fromkeys(keys, one))
    answer = admit("validate-policy", golden.review_of(a_policy(MAX4)), snapshot, clock)
    warnings = json.loads(answer.body)["response"]["warnings"]
    assert (len(looks), warnings[-1]) == (1 + MOST_TRIED, "and 1990 more")
