"""docs/policy-reference.md: its tables are the catalogue's, and its examples say what the engine says."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.decide import case_of, judge_workload
from policies.kinds import SPEC, TRAINING
from policies.lookup import build_snapshot
from policies.values import CATALOGUE
from policies.workload import Workload
from workload_policy.reference import render_reference, update_reference
from workloads.locate import locate_policy

REFERENCE = Path(__file__).parents[2] / "docs" / "policy-reference.md"
EXAMPLES = [
    (*block.split("---\n"), message)
    for block, message in re.findall(r"```yaml\n([^`]*)```\n```text\n([^`]*)```", REFERENCE.read_text())
]


def test_the_file_is_current(tmp_path: Path) -> None:
    copy = tmp_path / "reference.md"
    shutil.copy(REFERENCE, copy)
    update_reference(copy)
    assert copy.read_text() == REFERENCE.read_text()


def told(policy: dict[str, Any], workload: dict[str, Any]) -> list[str]:
    """What the author of a TrainingWorkload is told under a policy."""
    stored = locate_policy({SPEC: policy}, TRAINING, "runai-a", "example")
    assert [problem.message for problem in stored.compiled.policy.problems] == []
    named = Workload(TRAINING, "runai-a", "job", {SPEC: workload | {"name": {"value": "job"}}})
    return list(judge_workload(case_of(build_snapshot([stored], []), named, None)).lines)


@pytest.mark.parametrize(("policy", "workload", "message"), EXAMPLES)
def test_examples_say_what_the_engine_says(policy: str, workload: str, message: str) -> None:
    assert told(yaml.safe_load(policy), yaml.safe_load(workload)) == message.splitlines()


def test_every_rule_has_an_example() -> None:
    shown = "".join(policy for policy, _, _ in EXAMPLES)
    rules = ["required", "canEdit", "blocked", "min", "max", "step", "options", "matches", "defaultFrom"]
    assert [rule for rule in [*rules, "canAdd", "canRemove", "itemRules"] if f"{rule}:" not in shown] == []


def test_every_value_and_member_is_there() -> None:
    text = render_reference()
    assert [value.name for value in CATALOGUE if f"\n### {value.name}\n\n{value.description}\n" not in text] == []
    members = [member for value in CATALOGUE for member in value.members.values()]
    assert [member.name for member in members if member.description not in text] == []


@pytest.mark.parametrize(
    ("name", "section"),
    [
        pytest.param(
            "usage",
            "| type | kinds | rules |\n"
            "| --- | --- | --- |\n"
            "| text | all | none |\n\n"
            "It is written without a wrapper: `usage: ...`. Policies cannot name it. "
            "In a masterSpec it is ignored. It is not taken from a base workload.\n",
            id="bare",
        ),
        pytest.param(
            "totalGpu",
            "| type | kinds | rules |\n| --- | --- | --- |\n| number | all | `min`, `max` |\n",
            id="computed",
        ),
        pytest.param(
            "environment",
            "| type | kinds | rules |\n"
            "| --- | --- | --- |\n"
            "| map of text | all | `required`, `canAdd`; of an item `canEdit`, `canRemove` |\n\n"
            "Messages show it as `***`.\n\n"
            "| member | type | description | itemRules |\n"
            "| --- | --- | --- | --- |\n"
            "| `value` | text | The variable's value, or SECRET:name,key. | "
            "`required`, `canEdit`, `blocked`, `options`, `matches` |\n",
            id="plain-items",
        ),
        pytest.param(
            "pyTorchJob",
            "| type | kinds | rules |\n"
            "| --- | --- | --- |\n"
            "| object | Distributed | `required`, `canEdit`, `blocked` |\n\n"
            "In a masterSpec it is ignored.\n\n"
            "| member | type | description |\n"
            "| --- | --- | --- |\n"
            "| `minReplicas` | integer | The fewest replicas, a whole number of at least 1. |\n"
            "| `maxReplicas` | integer | The most replicas, a whole number of at least 1. |\n",
            id="object",
        ),
        pytest.param(
            "nodePool",
            "| type | kinds | rules |\n"
            "| --- | --- | --- |\n"
            "| text | all | `required`, `canEdit`, `blocked`, `options`, `matches` |\n\n"
            "Setting it sets aside what earlier layers bring of `nodePools`.\n",
            id="rival",
        ),
    ],
)
def test_a_value_in_full(name: str, section: str) -> None:
    _, _, after = render_reference().partition(f"\n### {name}\n\n")
    description, _, rest = after.partition("\n\n")
    assert description.endswith(".")
    assert rest.partition("\n\n### ")[0].rstrip("\n") == section.rstrip("\n")
