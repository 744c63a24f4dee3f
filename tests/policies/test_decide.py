"""What the golden cases of a request cannot reach: additions without room, a verdict without a policy."""

from typing import Any

import pytest

from policies.decide import Edit, Filling, fold_additions
from policies.kinds import SPEC, TRAINING
from policies.merge import Addition, Origin
from policies.place import Place
from policies.values import workload_values
from policies.verdict import Verdict
from policies.workload import Misshapen

GPU = Addition(Place(SPEC, workload_values(TRAINING, SPEC)["gpu"]), "1", Origin.POLICY)


@pytest.mark.parametrize(
    ("blocks", "edit"),
    [
        pytest.param({}, Edit(("spec",), {"gpu": {"value": "1"}}), id="the whole block is missing"),
        pytest.param({"spec": {}}, Edit(("spec", "gpu"), {"value": "1"}), id="the wrapper is missing"),
        pytest.param({"spec": {"gpu": None}}, Edit(("spec", "gpu"), {"value": "1"}), id="the wrapper is null"),
        pytest.param({"spec": {"gpu": {}}}, Edit(("spec", "gpu", "value"), "1"), id="the value is missing"),
        pytest.param({"spec": {"gpu": {"value": 2}}}, None, id="nothing is missing"),
        pytest.param({"spec": {"gpu": 2}}, None, id="the wrapper is no object"),
        pytest.param({"spec": Misshapen(5)}, None, id="the block is no object"),
    ],
)
def test_an_addition_goes_into_its_topmost_missing_node(blocks: Any, edit: Edit | None) -> None:
    assert fold_additions([GPU], blocks) == (Filling((edit,), ("gpu",)) if edit else Filling())


def test_without_a_policy_nothing_is_signed() -> None:
    verdict = Verdict((), None)
    assert (verdict.signature, verdict.warnings, verdict.message, verdict.allowed) == ((), (), "", True)
