"""Every golden CREATE through `check -o json` as well: the command line and the webhook cannot disagree."""

import io
import json
from argparse import Namespace
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import golden
import pytest

from workload_policy.arguments import parser_for
from workload_policy.check import run_check
from workload_policy.report import Streams

# What the API server would not let through to the webhook, by what is wrong with it: the flaw of each place.
WRONG_TYPES = {
    "base: a base that is no text": ["spec.baseWorkload"],
    "default_from: a number without quotes is no number": ["spec.gpu.value"],
    "intrinsic_types: every type in its words": [
        "spec.backoffLimit.value",
        "spec.capabilities.value",
        "spec.hostIpc.value",
        "spec.image.value",
        "spec.ttlAfterFinish.value",
    ],
    "intrinsic_types: an object and its members": ["spec.mpiJob.value", "spec.pyTorchJob.value.minReplicas"],
    "intrinsic_types: a list of text holds text only": ["spec.capabilities.value[1]"],
    "intrinsic_types: a member of each type": [
        "spec.exposedUrls.items[a].value.container",
        "spec.exposedUrls.items[a].value.url",
        "spec.exposedUrls.items[a].value.customUrl",
        "spec.exposedUrls.items[a].value.authorizedUsers",
        "spec.labels.items[l].value",
    ],
    "intrinsic_types: a JSON fraction is none": ["spec.cpu.value"],
    "intrinsic_types: a JSON boolean is none": ["spec.cpu.value"],
    "intrinsic_types: a JSON integer of 33 digits is too long": ["spec.cpu.value"],
    "intrinsic_types: the marker is true or false": ["spec.labels.items[a].deleted"],
    "map_rules: of a locked item that differs nothing more is said": ["spec.ports.items[a].value.external"],
    "master: values that masterSpec does not know are accepted there and ignored": [
        "masterSpec.baseWorkload",
        "masterSpec.mpiJob.value",
        "masterSpec.namePrefix.value",
        "masterSpec.pyTorchJob.value",
        "masterSpec.runPolicy.value",
    ],
    "messages: after type nothing more is said of the value": [
        "spec.image.value",
        "spec.ports.items[a].value.container",
    ],
    "messages: after a line on an item as a whole nothing more is said of it": ["spec.pvcs.items[p].value.path"],
    "template: a usage that is no text counts as Submit": ["spec.usage"],
    "total_gpu: a parallelism that cannot be read is left to its own line": ["spec.parallelism.value"],
    "total_gpu: an mpi that cannot be read is left to its own line": ["spec.mpi.value"],
}
WRONG_SHAPES = {
    "master: a masterSpec that is no object": ["masterSpec"],
    "mutation_create: a spec of the wrong JSON type is left alone": ["spec"],
    "mutation_create: a wrapper of the wrong JSON type is left alone, the rest is filled": ["spec.gpu"],
    "mutation_create: a map of the wrong JSON type is left alone": ["spec.ports"],
    "mutation_create: items of the wrong JSON type are left alone": ["spec.ports.items"],
    "mutation_create: an item of the wrong JSON type is left alone, the rest of the map is filled": [
        "spec.ports.items[x]",
        "spec.ports.items[y].value",
    ],
}
UNKNOWN_FIELDS = {"master: another kind's masterSpec is nothing": ["masterSpec"]}
NOT_JUDGED = WRONG_TYPES | WRONG_SHAPES | UNKNOWN_FIELDS

# `check` judges what /mutate has filled: a case that leaves /mutate out is no CREATE of its kind.
CREATES = {name: case for name, case in golden.load_cases() if "old" not in case and case.get("mutate", True)}

JUDGED = {name: case for name, case in CREATES.items() if name not in NOT_JUDGED}


@cache
def arguments(known: str, global_namespace: str) -> Namespace:
    words = ["check", "-f", "-", "-o", "json", "--policies", known, "--global-namespace", global_namespace]
    return parser_for(words).parse_args(words)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of what there is in the cluster."""
    return tmp_path_factory.mktemp("parity") / "known.json"


def check(case: golden.Object, known: Path) -> tuple[int, Any]:
    """The exit code and the one result of `check`."""
    there = [*golden.policies_in(case), *golden.stored_in(case)]
    known.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": there}))
    manifest = json.dumps(golden.workload_in(case, "workload")).encode()
    streams = Streams(io.BytesIO(manifest), io.StringIO(), io.StringIO())
    status = run_check(arguments(str(known), case.get("global", "runai")), {}, streams)
    (result,) = json.loads(streams.stdout.getvalue())["results"]
    return status, result


@pytest.mark.parametrize("case", JUDGED.values(), ids=JUDGED)
def test_check_agrees_with_the_webhook(case: golden.Object, known: Path) -> None:
    answer = golden.answer_to(case)
    status, result = check(case, known)
    annotations = answer.annotations
    said = golden.Answer(
        {operation["path"]: operation["value"] for operation in result["patch"]},
        [line["message"] for line in result["violations"]],
        result["allowed"],
        result["warnings"],
        answer.message,
        [[line["reason"], line["field"]] for line in result["violations"]],
        {"policy": result["policy"], "enforcement": result["enforcement"]},
        result["defaults"],
    )
    causes = answer.causes if len(answer.causes) == len(answer.lines) else said.causes
    governed = {name: annotations.get(name) for name in ("policy", "enforcement")}
    assert golden.as_text(said) == golden.as_text(replace(answer, causes=causes, annotations=governed))
    assert status == (0 if answer.allowed else 1)


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_what_the_schema_refuses_is_not_judged(name: str, known: Path) -> None:
    case, fields = CREATES[name], NOT_JUDGED[name]
    status, result = check(case, known)
    assert {(line["rule"], line["reason"]) for line in result["violations"]} == {("schema", "FieldValueInvalid")}
    assert sorted(line["field"] for line in result["violations"]) == sorted(fields)
    assert (status, result["allowed"], result["patch"], result["defaults"]) == (1, False, [], [])
    assert as_floats(result["object"]) == as_floats(golden.workload_in(case, "workload"))


def as_floats(raw: golden.Object) -> Any:
    """The object with its numbers as Go decodes those of more than 64 bits."""
    return json.loads(json.dumps(raw), parse_int=float)


def test_flaws_of_items_stand_in_order(known: Path) -> None:
    fields = [f"spec.ports.items[p{number:02}]" for number in range(20)]
    case = {"workload": {"ports!": {"items": {f"p{number:02}": 5 for number in range(20)}}}}
    _, result = check(case, known)
    assert [line["field"] for line in result["violations"]] == fields
