from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from policies.lookup import Snapshot
from webhook.admit import Answer, Record
from webhook.metrics import Meters, value_word
from webhook.sources import Change

RECORD = Record("u", "validate", "TrainingWorkload", "a", "w", "CREATE", allowed=True)
BROKEN = (("gpu", "max"),)


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def some_meters() -> tuple[Meters, Clock]:
    clock = Clock()
    return Meters(CollectorRegistry(), clock), clock


def sample(meters: Meters, name: str, **labels: str) -> float | None:
    return meters.registry.get_sample_value(f"workload_policy_{name}", labels)


@pytest.mark.parametrize(
    ("answer", "labels"),
    [
        (Answer(200, b"", RECORD), ("TrainingWorkload", "CREATE", "allowed")),
        (Answer(200, b"", replace(RECORD, allowed=False)), ("TrainingWorkload", "CREATE", "refused")),
        (
            Answer(200, b"", replace(RECORD, enforcement="Warn", violations=BROKEN)),
            ("TrainingWorkload", "CREATE", "warned"),
        ),
        (
            Answer(200, b"", replace(RECORD, enforcement="Audit", violations=BROKEN)),
            ("TrainingWorkload", "CREATE", "audited"),
        ),
        (Answer(200, b"", replace(RECORD, enforcement="Audit")), ("TrainingWorkload", "CREATE", "allowed")),
        (Answer(200, b"", replace(RECORD, kind="Made", operation="UP")), ("other", "other", "allowed")),
        (Answer(400, b""), ("", "", "malformed")),
        (Answer(503, b""), ("", "", "not_synced")),
        (Answer(418, b""), ("", "", "other")),
    ],
)
def test_a_review_is_counted(answer: Answer, labels: tuple[str, str, str]) -> None:
    meters, _clock = some_meters()
    meters.count_answer("validate", answer, 0.003)
    kind, operation, verdict = labels
    found = sample(meters, "reviews_total", endpoint="validate", kind=kind, operation=operation, verdict=verdict)
    assert found == 1
    assert sample(meters, "review_duration_seconds_bucket", endpoint="validate", le="0.0025") == 0
    assert sample(meters, "review_duration_seconds_bucket", endpoint="validate", le="0.005") == 1


def test_violations_are_counted_by_value_and_rule() -> None:
    meters, _clock = some_meters()
    violations = (("gpu", "max"), ("ports.http.container", "min"), ("ports.ssh", "canAdd"), ("gpuu.x", "policy"))
    meters.count_answer("validate", Answer(200, b"", replace(RECORD, violations=violations)), 0)
    found = {
        (labels["value"], labels["rule"]): value
        for metric in meters.registry.collect()
        for name, labels, value, *_ in metric.samples
        if name == "workload_policy_violations_total"
    }
    assert found == {("gpu", "max"): 1, ("ports", "min"): 1, ("ports", "canAdd"): 1, ("other", "policy"): 1}


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("gpu", "gpu"),
        ("totalGpu", "totalGpu"),
        ("masterSpec.gpu", "gpu"),
        ("ports.http.container", "ports"),
        ("annotations[run.ai/owner]", "annotations"),
        ("spec.gpu.rules.max", "gpu"),
        ("spec.ports.items[http].value", "ports"),
        ("metadata.namespace", "metadata"),
        ("spec", "spec"),
        ("masterSpec", "spec"),
        ("spec.gpuu", "other"),
        ('spec["a b"]', "other"),
        ("", "spec"),
    ],
)
def test_a_label_value_is_one_of_the_catalogue(path: str, word: str) -> None:
    assert value_word(path) == word


def test_a_change_is_counted_by_kind() -> None:
    meters, _clock = some_meters()
    policies: Mapping[str, int] = {"TrainingPolicy": 2}
    meters.note_change(Change(Snapshot(), policies, (), failures=2, unreadable=1))
    meters.note_change(Change(Snapshot(), {"InferencePolicy": 1}, (), failures=1, unreadable=0))
    assert sample(meters, "policies", kind="TrainingPolicy") == 0
    assert sample(meters, "policies", kind="InferencePolicy") == 1
    assert sample(meters, "policy_conflicts") == 0
    assert sample(meters, "source_reload_failures_total") == 3
    assert sample(meters, "source_unreadable_files") == 0


def test_the_age_is_since_the_last_look() -> None:
    meters, clock = some_meters()
    clock.seconds += 7
    assert sample(meters, "snapshot_age_seconds") == 7
    meters.note_check()
    clock.seconds += 2
    assert sample(meters, "snapshot_age_seconds") == 2


def test_two_processes_in_one_share_nothing() -> None:
    first, second = some_meters()[0], some_meters()[0]
    first.count_answer("validate", Answer(400, b""), 0)
    labels = {"endpoint": "validate", "kind": "", "operation": "", "verdict": "malformed"}
    assert (sample(first, "reviews_total", **labels), sample(second, "reviews_total", **labels)) == (1, None)
