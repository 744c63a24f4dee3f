"""`kubectl explain` of our kinds, as the API server publishes them."""

import re

import pytest
from daemons import wait_until
from objects import said
from plane import ControlPlane

from policies.kinds import KINDS, MASTER_SPEC, SPEC, Kind
from policies.values import policy_values, workload_values

NODE_TYPE = """\
KIND:     TrainingWorkload
VERSION:  run.ai/v2alpha1

RESOURCE: nodeType <Object>

DESCRIPTION:
     Specifies nodes (machines) or a group of nodes on which the workload will
     run. To use this feature, your Administrator will need to label nodes as
     explained in the Group Nodes guide at
     https://docs.run.ai/admin/researcher-setup/limit-to-node-group. This flag
     can be used in conjunction with Project-based affinity. In this case, the
     flag is used to refine the list of allowable node groups set in the
     Project. For more information consult the Projects guide at
     https://docs.run.ai/admin/admin-ui-setup/project-setup.

FIELDS:
   value\t<string>

"""
PORTS = """\
GROUP:      run.ai
KIND:       TrainingPolicy
VERSION:    v2alpha1

FIELD: ports <Object>


DESCRIPTION:
    Ports of the container that a Service makes reachable. Its flag is --port.
    
FIELDS:
  itemRules\t<Object>
    The rules that each item's members keep, by member.

  items\t<map[string]Object>
    The default items, by label. Members under DEFAULTS are the defaults of
    every item's.

  rules\t<Object>
    The rules of this value.


"""  # noqa: W293 - kubectl's
PORTS_RULES = """\
GROUP:      run.ai
KIND:       TrainingPolicy
VERSION:    v2alpha1

FIELD: rules <Object>


DESCRIPTION:
    The rules of this value.
    
FIELDS:
  canAdd\t<boolean>
    False allows no labels but the policy's own.

  required\t<boolean>
    True demands at least one item.


"""  # noqa: W293 - kubectl's
GPU = """\
GROUP:      run.ai
KIND:       TrainingWorkload
VERSION:    v2alpha1

FIELD: gpu <Object>


DESCRIPTION:
    What one pod asks of GPUs: a whole number of devices, or a fraction of one
    between 0 and 1. Write a number such as 2 or, in quotes, "0.5". Only one of
    gpu, gpuDevices, gpuMemory and migProfile may be set.
    
FIELDS:
  value\t<Object>
    <no description>


"""  # noqa: W293 - kubectl's

BLOCKS = [
    pytest.param(name, block, names, id=f"{name}.{block}")
    for kind in KINDS
    for block in kind.blocks
    for name, names in (
        (kind.name, set(workload_values(kind, SPEC))),  # those that masterSpec ignores it has all the same
        (kind.policy_name, set(policy_values(kind, block)) | ({"enforcement", "message"} if block == SPEC else set())),
    )
]


def explain(plane: ControlPlane, *args: str) -> str:
    """What kubectl prints, once the API server has published our kinds (seconds after it has accepted them)."""
    wait_until(lambda: plane.kubectl("explain", *args).returncode == 0, f"kubectl explain {args[0]}")
    return said(plane.kubectl("explain", *args))


def test_the_newcomers_first_command(plane: ControlPlane) -> None:
    asked = ("TrainingWorkload.spec.nodeType", "--output", "plaintext-openapiv2")
    assert explain(plane, *asked) == NODE_TYPE


@pytest.mark.parametrize(
    ("path", "printed"),
    [("trainingpolicy.spec.ports", PORTS), ("trainingpolicy.spec.ports.rules", PORTS_RULES), ("tw.spec.gpu", GPU)],
)
def test_what_a_path_prints(plane: ControlPlane, path: str, printed: str) -> None:
    assert explain(plane, path) == printed


@pytest.mark.parametrize(("kind", "block", "names"), BLOCKS)
def test_every_value_of_a_kind_is_there_and_described(
    plane: ControlPlane, kind: str, block: str, names: set[str]
) -> None:
    printed = explain(plane, f"{kind}.{block}")
    fields = dict(re.findall(r"^  (\w+)\t<.*>\n    (.*)$", printed, re.MULTILINE))
    assert set(fields) == names
    assert "<no description>" not in fields.values()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_short_names(plane: ControlPlane, kind: Kind) -> None:
    assert f"KIND:       {kind.name}\n" in explain(plane, kind.short_name)


def test_the_category(plane: ControlPlane) -> None:
    listed = said(plane.kubectl("api-resources", "--categories=runai", "--output=name")).split()
    names = [name for kind in KINDS for name in (kind.plural, kind.policy_plural)]
    assert sorted(listed) == sorted(f"{name}.run.ai" for name in names)


def test_only_distributed_kinds_have_a_master(plane: ControlPlane) -> None:
    with_master = [kind.name for kind in KINDS if MASTER_SPEC in kind.blocks]
    assert with_master == ["DistributedWorkload"]
    result = plane.kubectl("explain", "TrainingWorkload.masterSpec")
    assert (result.returncode, result.stderr) == (1, 'error: field "masterSpec" does not exist\n')
