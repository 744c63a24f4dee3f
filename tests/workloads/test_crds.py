"""The eight CustomResourceDefinitions: laws over every node, the shapes in full, and the chart's files."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.kinds import KINDS, MASTER_SPEC, SPEC, Kind
from policies.values import CATALOGUE, Type, policy_values
from workload_policy.crds import print_crds, render, write_crds
from workloads.crds import all_crds, policy_schema, workload_schema

CRDS = all_crds()
CHART = Path(__file__).parents[2] / "charts" / "workload-policy" / "files" / "crds"

INT_OR_STRING = "x-kubernetes-int-or-string"
KEEP = "x-kubernetes-preserve-unknown-fields"
LIST_TYPE = "x-kubernetes-list-type"
MAP_TYPE = "x-kubernetes-map-type"
KEYWORDS = {
    *("description", "type", "properties", "additionalProperties", "items"),
    *(INT_OR_STRING, KEEP, LIST_TYPE, MAP_TYPE),
}

WITH_MEMBERS = {value.name for value in CATALOGUE if value.type is Type.MAP and value.members}

Schema = dict[str, Any]
Node = tuple[tuple[str, ...], Schema]

NODE_TYPE = (
    "Specifies nodes (machines) or a group of nodes on which the workload will run. To use this feature, "
    "your Administrator will need to label nodes as explained in the Group Nodes guide at "
    "https://docs.run.ai/admin/researcher-setup/limit-to-node-group. This flag can be used in conjunction "
    "with Project-based affinity. In this case, the flag is used to refine the list of allowable node groups "
    "set in the Project. For more information consult the Projects guide at "
    "https://docs.run.ai/admin/admin-ui-setup/project-setup."
)


def schema_of(crd: Schema) -> Schema:
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def every_node(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[Node]:
    """The schema and all below it; `*` stands for a label, `[]` for an element."""
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from every_node(below, (*path, name))
    if "additionalProperties" in schema:
        yield from every_node(schema["additionalProperties"], (*path, "*"))
    if "items" in schema:
        yield from every_node(schema["items"], (*path, "[]"))


def bare(schema: Schema) -> Schema:
    """The schema without descriptions and without the mark that a policy's objects bear."""
    kept = {key: below for key, below in schema.items() if key not in {"description", KEEP}}
    if "properties" in schema:
        kept["properties"] = {name: bare(below) for name, below in schema["properties"].items()}
    return kept | {key: bare(schema[key]) for key in ("items", "additionalProperties") if key in schema}


def an_object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def a_list(element: Schema) -> Schema:
    return {"type": "array", "items": element, LIST_TYPE: "atomic"}


def a_map(item: Schema) -> Schema:
    return {"type": "object", "additionalProperties": item, MAP_TYPE: "granular"}


STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
AMOUNT: Schema = {INT_OR_STRING: True}
OPEN: Schema = {"type": "object"}
FLAGS = {"required": BOOLEAN, "canEdit": BOOLEAN, "blocked": BOOLEAN}
ITEM_RULES = an_object(canEdit=BOOLEAN, canRemove=BOOLEAN)
MAP_RULES = an_object(required=BOOLEAN, canAdd=BOOLEAN)
TEXT_RULES = an_object(**FLAGS, options=a_list(an_object(value=STRING, displayed=STRING)), matches=a_list(STRING))


def numeric_rules(kind: Schema) -> Schema:
    product = an_object(field=STRING, factor=AMOUNT)
    options = a_list(an_object(value=kind, displayed=STRING))
    return an_object(**FLAGS, min=kind, max=kind, step=kind, defaultFrom=product, options=options)


VOLUME = an_object(path=STRING, mountPath=STRING, readOnly=BOOLEAN, nfsServer=STRING)
TOLERATION = an_object(key=STRING, operator=STRING, value=STRING, effect=STRING, seconds=INTEGER, name=STRING)
JOB = an_object(slotsPerWorker=INTEGER, launcherCreationPolicy=STRING, sshAuthMountPath=STRING)


@pytest.fixture(params=list(CRDS.values()), ids=list(CRDS))
def crd(request: pytest.FixtureRequest) -> Schema:
    found: Schema = request.param
    return found


def is_policy(crd: Schema) -> bool:
    return str(crd["spec"]["names"]["kind"]).endswith("Policy")


# Laws over every node


def test_nothing_but_names_and_types_is_fixed(crd: Schema) -> None:
    assert {key for _, node in every_node(schema_of(crd)) for key in node} <= KEYWORDS


def test_schemas_are_structural(crd: Schema) -> None:
    for path, node in every_node(schema_of(crd)):
        assert ("type" in node) != (INT_OR_STRING in node), path
        assert not {"properties", "additionalProperties"} <= set(node), path
        assert (node.get("type") == "array") == ("items" in node), path


def test_the_objects_of_policies_and_status_keep_unknown_fields(crd: Schema) -> None:
    nodes = list(every_node(schema_of(crd)))
    objects = [path for path, node in nodes if node.get("type") == "object"]
    kept = [path for path, node in nodes if node.get(KEEP)]
    assert kept == (objects if is_policy(crd) else [("status",)])


def test_lists_are_atomic_and_maps_granular(crd: Schema) -> None:
    for path, node in every_node(schema_of(crd)):
        assert node.get(LIST_TYPE) == ("atomic" if node.get("type") == "array" else None), path
        assert node.get(MAP_TYPE) == ("granular" if "additionalProperties" in node else None), path
        assert ("additionalProperties" in node) == (path[-1:] == ("items",)), path


def is_undescribed(path: tuple[str, ...]) -> bool:
    """Whether it is the inner value of a single value, the members of an item, or what has no name."""
    inner = path[2:] == ("value",)
    members = path[2:] == ("items", "*", "value") and path[1] in WITH_MEMBERS
    return inner or members or path[-1:] in {("*",), ("[]",)}


def test_all_but_inner_values_is_described(crd: Schema) -> None:
    nodes = list(every_node(schema_of(crd)))
    undescribed = [path for path, node in nodes if not node.get("description")]
    assert undescribed == [path for path, _ in nodes if is_undescribed(path)]


def test_client_side_apply_can_hold_it(crd: Schema) -> None:
    assert len(json.dumps(crd, separators=(",", ":"), ensure_ascii=False).encode()) < 250 * 1024


# Definitions


def test_workload_kinds_come_before_policy_kinds() -> None:
    assert list(CRDS) == [
        "interactiveworkloads.run.ai",
        "trainingworkloads.run.ai",
        "distributedworkloads.run.ai",
        "inferenceworkloads.run.ai",
        "interactivepolicies.run.ai",
        "trainingpolicies.run.ai",
        "distributedpolicies.run.ai",
        "inferencepolicies.run.ai",
    ]


def a_column(name: str, path: str, kind: str = "string") -> Schema:
    return {"name": name, "type": kind, "jsonPath": path}


@pytest.mark.parametrize(
    ("name", "names", "columns"),
    [
        pytest.param(
            "trainingworkloads.run.ai",
            {
                "kind": "TrainingWorkload",
                "listKind": "TrainingWorkloadList",
                "plural": "trainingworkloads",
                "singular": "trainingworkload",
                "categories": ["runai"],
                "shortNames": ["tw"],
            },
            [
                a_column("GPU", ".spec.gpu.value"),
                a_column("Image", ".spec.image.value"),
                a_column("Usage", ".spec.usage"),
                a_column("Age", ".metadata.creationTimestamp", "date"),
            ],
            id="workload",
        ),
        pytest.param(
            "distributedpolicies.run.ai",
            {
                "kind": "DistributedPolicy",
                "listKind": "DistributedPolicyList",
                "plural": "distributedpolicies",
                "singular": "distributedpolicy",
                "categories": ["runai"],
            },
            [
                a_column("Enforcement", ".spec.enforcement"),
                a_column("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
                a_column("Age", ".metadata.creationTimestamp", "date"),
            ],
            id="policy",
        ),
    ],
)
def test_a_definition_in_full(name: str, names: Schema, columns: list[Schema]) -> None:
    assert CRDS[name] == {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": "run.ai",
            "names": names,
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v2alpha1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": schema_of(CRDS[name])},
                }
            ],
        },
    }


def test_short_names_are_the_workloads() -> None:
    short_names = [crd["spec"]["names"].get("shortNames") for crd in CRDS.values()]
    assert short_names == [["iw"], ["tw"], ["dw"], ["infw"], None, None, None, None]


# Workloads


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_workload_has_every_value_of_its_kind_in_each_block(kind: Kind) -> None:
    schema = workload_schema(kind)
    names = [value.name for value in CATALOGUE if value.workload and kind.letter in value.kinds]
    assert list(schema["properties"]) == [*kind.blocks, "status"]
    assert [list(schema["properties"][block]["properties"]) for block in kind.blocks] == [names for _ in kind.blocks]


@pytest.mark.parametrize(
    ("block", "name", "expected"),
    [
        (SPEC, "gpu", an_object(value=AMOUNT)),
        (SPEC, "memory", an_object(value=AMOUNT)),
        (SPEC, "gpuDevices", an_object(value=INTEGER)),
        (SPEC, "image", an_object(value=STRING)),
        (SPEC, "hostIpc", an_object(value=BOOLEAN)),
        (SPEC, "capabilities", an_object(value=a_list(STRING))),
        (SPEC, "mpiJob", an_object(value=JOB)),
        (SPEC, "usage", STRING),
        (SPEC, "jobType", STRING),
        (SPEC, "labels", an_object(items=a_map(an_object(value=STRING, deleted=BOOLEAN)))),
        (SPEC, "extendedResources", an_object(items=a_map(an_object(value=AMOUNT, deleted=BOOLEAN)))),
        (SPEC, "volumes", an_object(items=a_map(an_object(value=VOLUME, deleted=BOOLEAN)))),
        (MASTER_SPEC, "gpu", an_object(value=AMOUNT)),
        (MASTER_SPEC, "usage", STRING),
        (MASTER_SPEC, "workers", an_object(value=INTEGER)),
    ],
)
def test_a_workloads_value(block: str, name: str, expected: Schema) -> None:
    (kind,) = (kind for kind in KINDS if MASTER_SPEC in kind.blocks)
    assert bare(workload_schema(kind)["properties"][block]["properties"][name]) == expected


def test_a_duration_is_text() -> None:
    (kind,) = (kind for kind in KINDS if kind.letter == "T")
    found = workload_schema(kind)["properties"][SPEC]["properties"]["ttlAfterFinish"]
    assert bare(found) == an_object(value=STRING)


def test_node_type_is_what_the_newcomers_page_shows() -> None:
    spec = schema_of(CRDS["trainingworkloads.run.ai"])["properties"][SPEC]
    assert spec["properties"]["nodeType"] == {
        "description": NODE_TYPE,
        "type": "object",
        "properties": {"value": {"type": "string"}},
    }


# Policies


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_policy_has_every_value_that_policies_may_name(kind: Kind) -> None:
    schema = policy_schema(kind)
    settings = {SPEC: ["enforcement", "message"], MASTER_SPEC: []}
    assert list(schema["properties"]) == [*kind.blocks, "status"]
    assert {block: list(schema["properties"][block]["properties"]) for block in kind.blocks} == {
        block: [*settings[block], *policy_values(kind, block)] for block in kind.blocks
    }


@pytest.mark.parametrize(
    ("block", "name", "expected"),
    [
        (SPEC, "enforcement", STRING),
        (SPEC, "message", STRING),
        (SPEC, "hostIpc", an_object(rules=an_object(**FLAGS), value=BOOLEAN)),
        (SPEC, "gpu", an_object(rules=numeric_rules(AMOUNT), value=AMOUNT)),
        (SPEC, "memory", an_object(rules=numeric_rules(AMOUNT), value=AMOUNT)),
        (SPEC, "workers", an_object(rules=numeric_rules(INTEGER), value=INTEGER)),
        (SPEC, "image", an_object(rules=TEXT_RULES, value=STRING)),
        (SPEC, "capabilities", an_object(rules=TEXT_RULES, value=a_list(STRING))),
        (SPEC, "mpiJob", an_object(rules=an_object(**FLAGS), value=JOB)),
        (SPEC, "totalGpu", an_object(rules=an_object(min=AMOUNT, max=AMOUNT))),
        (
            SPEC,
            "labels",
            an_object(
                rules=MAP_RULES,
                itemRules=an_object(value=TEXT_RULES),
                items=a_map(an_object(rules=ITEM_RULES, value=STRING)),
            ),
        ),
        (
            SPEC,
            "tolerations",
            an_object(
                rules=MAP_RULES,
                itemRules=an_object(
                    key=TEXT_RULES,
                    operator=TEXT_RULES,
                    value=TEXT_RULES,
                    effect=TEXT_RULES,
                    seconds=numeric_rules(INTEGER),
                    name=TEXT_RULES,
                ),
                items=a_map(an_object(rules=ITEM_RULES, value=TOLERATION)),
            ),
        ),
        (MASTER_SPEC, "gpu", an_object(rules=OPEN, value=AMOUNT)),
        (MASTER_SPEC, "capabilities", an_object(rules=OPEN, value=a_list(STRING))),
        (
            MASTER_SPEC,
            "volumes",
            an_object(rules=OPEN, itemRules=OPEN, items=a_map(an_object(rules=OPEN, value=VOLUME))),
        ),
    ],
)
def test_a_policys_value(block: str, name: str, expected: Schema) -> None:
    (kind,) = (kind for kind in KINDS if MASTER_SPEC in kind.blocks)
    assert bare(policy_schema(kind)["properties"][block]["properties"][name]) == expected


def test_a_duration_has_bounds_of_text() -> None:
    (kind,) = (kind for kind in KINDS if kind.letter == "T")
    found = policy_schema(kind)["properties"][SPEC]["properties"]["ttlAfterFinish"]
    assert bare(found) == an_object(rules=an_object(**FLAGS, min=STRING, max=STRING), value=STRING)


def test_enforcement_names_its_choices() -> None:
    described = policy_schema(KINDS[0])["properties"][SPEC]["properties"]["enforcement"]["description"]
    assert [word for word in ("Enforce", "Warn", "Audit") if word not in described] == []


def test_defaults_are_told_where_items_have_members() -> None:
    spec = policy_schema(KINDS[0])["properties"][SPEC]["properties"]
    maps = [value for value in policy_values(KINDS[0], SPEC).values() if value.type is Type.MAP]
    told = [value.name for value in maps if "DEFAULTS" in spec[value.name]["properties"]["items"]["description"]]
    assert told == [value.name for value in maps if value.members]


# Files


def test_the_charts_files_are_current(tmp_path: Path) -> None:
    write_crds(tmp_path / "new")
    made = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    kept = {path.name: path.read_text() for path in CHART.iterdir()}
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == []


def test_yaml_says_the_same(crd: Schema) -> None:
    assert yaml.load(render(crd), Loader=yaml.CSafeLoader) == crd
    assert render(crd).startswith("# Generated from policies/values.py by `workload-policy crds`")


def test_all_are_printed_as_one_stream() -> None:
    stream = StringIO()
    print_crds(stream)
    assert stream.getvalue() == "---\n".join(render(crd) for crd in CRDS.values())
