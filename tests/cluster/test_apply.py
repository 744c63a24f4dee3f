"""Workloads by kubectl: defaulted, refused in the engine's words, and told of in the audit log."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from objects import REFUSAL, a_policy, a_workload, collection_of, look_up, refusal_in, said, send, stored
from plane import ControlPlane

EXAMPLES = Path(__file__).parents[2] / "examples"
TOURS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())

Enforce = Callable[..., None]
Object = dict[str, Any]


# The seed: at most five GPUs, and one for who names none


def test_the_ceiling(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(a_policy(project, "Interactive", "interactive-policy1", gpu={"rules": {"max": "5"}}))
    six = a_workload(project, kind="Interactive", gpu=6)
    refused = send(plane, "apply", six)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        'Error from server (Forbidden): error when creating "STDIN": '
        'admission webhook "validate.workload-policy.run.ai" denied the request: gpu: must be no greater than 5\n'
        f"(InteractivePolicy {project}/interactive-policy1)\n"
    )
    assert look_up(plane, six).status == 404


def test_the_default(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(a_policy(project, gpu={"value": "1"}))
    silent = a_workload(project)
    assert said(send(plane, "apply", silent)) == "trainingworkload.run.ai/job created\n"
    assert stored(plane, silent)["spec"] == {"name": {"value": "job"}, "gpu": {"value": "1"}}


# The examples


def documents_in(path: Path) -> list[Object]:
    return [raw for raw in yaml.safe_load_all(path.read_text()) if raw]


def expected_text(expected: Object, raw: Object, policies: list[Object]) -> str:
    """The whole refusal: the lines, the policy, and its message."""
    namespace = raw["metadata"]["namespace"]
    governing = expected.get("policy", "")
    kind = raw["kind"].removesuffix("Workload") + "Policy"
    for policy in policies:
        key = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        if policy["kind"] == kind and (key == governing or policy["metadata"]["namespace"] == namespace):
            message = policy["spec"].get("message")
            return "\n".join([*expected["lines"], f"({kind} {key})", *([message] if message else [])])
    raise AssertionError(f"no {kind} for {namespace}")


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.name)
def test_the_examples(plane: ControlPlane, enforce: Enforce, tour: Path) -> None:
    policies, workloads = documents_in(tour / "policy.yaml"), documents_in(tour / "workload.yaml")
    expected = yaml.safe_load((tour / "expected.yaml").read_text())
    enforce(*policies, *(raw for raw in workloads if raw["spec"].get("usage") == "Template"))
    for namespace in {raw["metadata"]["namespace"] for raw in workloads}:
        plane.kubectl("create", "namespace", namespace)
    for raw in workloads:
        verdict = expected[f"{raw['metadata']['namespace']}/{raw['metadata']['name']}"]
        result = send(plane, "apply --server-side", raw)
        if verdict["allowed"]:
            assert result.returncode == 0, result.stderr
            assert result.stderr == "".join(f"Warning: {warning}\n" for warning in verdict.get("warnings", []))
            found = stored(plane, raw)
            blocks = {block: found[block] for block in ("spec", "masterSpec") if block in found}
            assert blocks == verdict.get("result", blocks)
        else:
            assert refusal_in(result) == expected_text(verdict, raw, policies)
            assert look_up(plane, raw).status == 404
    said(plane.kubectl("delete", "--ignore-not-found", "-f", tour / "workload.yaml"))


# Refusals

WRONG = {"gpu": 6, "imagePullPolicy": "Sometimes", "ports": {"items": {"web": {"value": {"container": 80}}}}}
LINES = (
    "gpu: must be no greater than 5\n"
    "imagePullPolicy: must be one of: Always, IfNotPresent, Never\n"
    "ports.web.container: must be no less than 30000\n"
)


def strict_policy(project: str) -> Object:
    return a_policy(
        project,
        message="Ask in #gpu-help.",
        gpu={"rules": {"max": "5"}, "value": "1"},
        ports={"itemRules": {"container": {"min": 30000}}},
    )


def test_all_violations_at_once(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(strict_policy(project))
    told = f"{LINES}(TrainingPolicy {project}/policy)\nAsk in #gpu-help."
    wrong = a_workload(project, **WRONG)
    for command in ("create", "create --dry-run=server", "create -o json", "apply", "apply --server-side"):
        assert refusal_in(send(plane, command, wrong)) == told
        assert look_up(plane, wrong).status == 404


def test_the_causes(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(strict_policy(project))
    wrong = a_workload(project, **WRONG)
    reply = plane.api("POST", collection_of(wrong), wrong)
    lines = LINES.splitlines()
    assert reply.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"{REFUSAL}{LINES}(TrainingPolicy {project}/policy)\nAsk in #gpu-help.",
        "reason": "Forbidden",
        "details": {
            "name": "job",
            "group": "run.ai",
            "kind": "TrainingWorkload",
            "causes": [
                {"reason": "FieldValueInvalid", "message": lines[0], "field": "spec.gpu.value"},
                {"reason": "FieldValueNotSupported", "message": lines[1], "field": "spec.imagePullPolicy.value"},
                {"reason": "FieldValueInvalid", "message": lines[2], "field": "spec.ports.items[web].value.container"},
            ],
        },
        "code": 403,
    }
    assert reply.status == 403


@pytest.mark.parametrize("command", ["apply --force", "apply --server-side --force-conflicts"])
def test_force_deletes_nothing(plane: ControlPlane, enforce: Enforce, project: str, command: str) -> None:
    enforce(strict_policy(project))
    said(send(plane, "apply", a_workload(project, gpu=2)))
    before = stored(plane, a_workload(project))
    assert refusal_in(send(plane, command, a_workload(project, gpu=6))) == (
        f"gpu: must be no greater than 5\n(TrainingPolicy {project}/policy)\nAsk in #gpu-help."
    )
    assert stored(plane, a_workload(project)) == before


def test_the_name_that_the_server_makes(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(strict_policy(project))
    metadata = {"generateName": "job-", "namespace": project}
    made = said(send(plane, "create", {**a_workload(project), "metadata": metadata}))
    assert made.startswith("trainingworkload.run.ai/job-")
    name = made.removeprefix("trainingworkload.run.ai/").removesuffix(" created\n")
    assert stored(plane, a_workload(project, name))["spec"]["gpu"] == {"value": "1"}
    wrong = {**a_workload(project, gpu=6), "metadata": metadata}
    assert refusal_in(send(plane, "create", wrong)).startswith("gpu: must be no greater")
    details = plane.api("POST", collection_of(wrong), wrong).body["details"]
    assert details["name"].startswith("job-")


# Enforcement


@pytest.mark.parametrize(
    ("enforcement", "told"),
    [
        ("Warn", "Warning: gpu: must be no greater than 5\nWarning: (TrainingPolicy {}/policy)\n"),
        ("Audit", ""),
    ],
)
def test_what_only_is_told(plane: ControlPlane, enforce: Enforce, project: str, enforcement: str, told: str) -> None:
    enforce(a_policy(project, enforcement=enforcement, gpu={"rules": {"max": "5"}}))
    result = send(plane, "apply", a_workload(project, gpu=6))
    assert (result.returncode, result.stdout) == (0, "trainingworkload.run.ai/job created\n")
    assert result.stderr == told.format(project)


def test_the_audit_log(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(strict_policy(project))
    send(plane, "apply", a_workload(project, **WRONG | {"gpu": None}))
    event = plane.audit_events(namespace=project, resource="trainingworkloads")[-1]
    assert event["responseStatus"]["code"] == 403
    annotations = {name: text for name, text in event["annotations"].items() if ".workload-policy.run.ai/" in name}
    lines = annotations.pop("validate.workload-policy.run.ai/violations")
    assert json.loads(lines) == LINES.splitlines()[1:]
    assert annotations == {
        "mutate.workload-policy.run.ai/policy": f"{project}/policy",
        "mutate.workload-policy.run.ai/enforcement": "Enforce",
        "mutate.workload-policy.run.ai/defaults": '["gpu"]',
        "validate.workload-policy.run.ai/policy": f"{project}/policy",
        "validate.workload-policy.run.ai/enforcement": "Enforce",
    }


# A pipeline


def test_a_pipeline_that_prunes(plane: ControlPlane, enforce: Enforce, project: str, tmp_path: Path) -> None:
    """A repository by server-side apply: one manifest is refused, the rest applied, and nothing pruned before."""
    enforce(a_policy(project, gpu={"rules": {"max": "5"}}))

    def push(**gpus: int) -> Any:
        for manifest in tmp_path.iterdir():
            manifest.unlink()
        for name, gpu in gpus.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(a_workload(project, name, gpu=gpu)))
        flags = ("--server-side", "--prune", "--applyset=configmaps/repository", f"--namespace={project}")
        return plane.kubectl("apply", *flags, "-f", tmp_path)

    def there() -> dict[str, int]:
        listed = plane.api("GET", collection_of(a_workload(project))).body["items"]
        return {raw["metadata"]["name"]: raw["spec"]["gpu"]["value"] for raw in listed}

    said(push(a=1, b=2, c=3))
    refused = push(b=9, c=4, d=1)
    assert refused.stdout == (
        "trainingworkload.run.ai/c serverside-applied\ntrainingworkload.run.ai/d serverside-applied\n"
    )
    assert refusal_in(refused) == f"gpu: must be no greater than 5\n(TrainingPolicy {project}/policy)"
    assert there() == {"a": 1, "b": 2, "c": 4, "d": 1}
    assert said(push(b=5, c=4, d=1)).endswith("trainingworkload.run.ai/a pruned\n")
    assert there() == {"b": 5, "c": 4, "d": 1}
