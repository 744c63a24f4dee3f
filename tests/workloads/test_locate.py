"""Raw objects -> Workload, StoredPolicy, Snapshot."""

from typing import Any

import pytest

from policies.kinds import TRAINING
from policies.workload import Misshapen
from workloads.locate import locate_workload, policy_kind, snapshot_of, workload_kind

OURS = {"apiVersion": "run.ai/v2alpha1"}
JOB = {**OURS, "kind": "TrainingWorkload", "metadata": {"name": "job", "namespace": "runai-a"}, "spec": {}}
RULES = {**OURS, "kind": "TrainingPolicy", "metadata": {"name": "p", "namespace": "runai-a"}, "spec": {}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "runai-a"}}


def test_a_snapshot_holds_policies_and_workloads_and_passes_over_the_rest() -> None:
    snapshot = snapshot_of([POD, JOB, RULES, {}], "runai")
    assert list(snapshot.policies) == [("TrainingWorkload", "runai-a")]
    assert list(snapshot.workloads) == [("TrainingWorkload", "runai-a", "job")]


@pytest.mark.parametrize(
    ("raw", "kinds"),
    [
        pytest.param(JOB, (TRAINING, None), id="a workload"),
        pytest.param(RULES, (None, TRAINING), id="a policy"),
        pytest.param(POD, (None, None), id="another kind"),
        pytest.param({**JOB, "apiVersion": "run.ai/v1"}, (None, None), id="another version"),
        pytest.param({**OURS, "kind": ["TrainingWorkload"]}, (None, None), id="a kind that is no text"),
    ],
)
def test_kinds_are_those_of_our_group_and_version(raw: Any, kinds: Any) -> None:
    assert (workload_kind(raw), policy_kind(raw)) == kinds


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param({}, ("default", "", {}, False), id="nothing"),
        pytest.param({"metadata": 5, "spec": None}, ("default", "", {}, False), id="metadata that is no object"),
        pytest.param(
            {"metadata": {"name": 5, "namespace": []}}, ("default", "", {}, False), id="names that are no text"
        ),
        pytest.param({"spec": []}, ("default", "", {"spec": Misshapen([])}, False), id="a spec that is no object"),
        pytest.param({"spec": {}, "masterSpec": {}}, ("default", "", {"spec": {}}, False), id="another kind's block"),
        pytest.param({"metadata": {"deletionTimestamp": "now"}}, ("default", "", {}, True), id="being deleted"),
    ],
)
def test_a_workload_is_located_in_any_object(raw: Any, found: Any) -> None:
    workload = locate_workload(raw, TRAINING)
    assert (workload.namespace, workload.name, workload.blocks, workload.deleting) == found
