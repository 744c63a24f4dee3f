import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.kinds import API_VERSION, INTERACTIVE
from policies.lookup import StoredPolicy, build_snapshot
from policies.schema import parse_policy
from webhook.admit import policy_problems
from webhook.review import CREATE, parse_review
from webhook.status import (
    ACCEPTED,
    ENFORCED,
    MOST_BYTES,
    Condition,
    WantedStatus,
    status_body,
    status_path,
    stored_status,
    time_text,
    wanted_status,
)
from workloads.locate import locate_policy

THEN, NOW = "2026-01-02T03:04:05Z", "2026-06-07T08:09:10Z"
SOUND = {"gpu": {"rules": {"max": "1"}}}
FIELDS: dict[str, Any] = {f"x{number:02}": {} for number in range(17)}


def raw_policy(name: str = "p1", *, spec: Any = SOUND, generation: Any = 3, status: Any = None) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "a", "generation": generation, "resourceVersion": "7"}
    head = {"apiVersion": API_VERSION, "kind": INTERACTIVE.policy_name, "metadata": metadata, "spec": spec}
    return head if status is None else {**head, "status": status}


def a_policy(name: str = "p1", **fields: Any) -> StoredPolicy:
    return locate_policy(raw_policy(name, **fields), INTERACTIVE)


def conditions_of(spec: Any, governing: str = "p1") -> list[tuple[str, ...]]:
    wanted = wanted_status(a_policy(spec=spec), a_policy(governing), 3)
    return [(one.type, one.status, one.reason, one.message) for one in wanted.conditions]


TAKEN = (ACCEPTED, "True", "Accepted", "can be enforced as it is written")
UNKNOWN = [f"spec.x{number:02}: unknown field" for number in range(17)]
NO_UNION = "InteractivePolicy p0 already governs a"
REFUSES = (ENFORCED, "True", "InForce", "violations are refused")
STATUSES: dict[str, tuple[Any, str, list[tuple[str, ...]]]] = {
    "sound": (SOUND, "p1", [TAKEN, REFUSES]),
    "empty": (None, "p1", [TAKEN, REFUSES]),
    "mode Warn": (
        {"enforcement": "Warn"},
        "p1",
        [TAKEN, (ENFORCED, "True", "InForce", "violations are admitted with a warning")],
    ),
    "mode Audit": (
        {"enforcement": "Audit"},
        "p1",
        [TAKEN, (ENFORCED, "True", "InForce", "violations are admitted and recorded")],
    ),
    "a mode that cannot be read": (
        {"enforcement": "Never"},
        "p1",
        [(ACCEPTED, "False", "Refused", "spec.enforcement: must be one of: Enforce, Warn, Audit"), REFUSES],
    ),
    "many problems": (
        FIELDS,
        "p1",
        [(ACCEPTED, "False", "Refused", "\n".join([*UNKNOWN[:10], "and 7 more"])), REFUSES],
    ),
    "shadowed": (
        SOUND,
        "p0",
        [
            (ACCEPTED, "False", "Shadowed", f"metadata.namespace: {NO_UNION}"),
            (ENFORCED, "False", "Shadowed", NO_UNION),
        ],
    ),
    "shadowed and many problems": (
        FIELDS,
        "p0",
        [
            (ACCEPTED, "False", "Shadowed", "\n".join([f"metadata.namespace: {NO_UNION}", *UNKNOWN[:9], "and 8 more"])),
            (ENFORCED, "False", "Shadowed", NO_UNION),
        ],
    ),
}


@pytest.mark.parametrize(("spec", "governing", "expected"), STATUSES.values(), ids=STATUSES)
def test_status_of_a_policy(spec: Any, governing: str, expected: list[tuple[str, ...]]) -> None:
    assert conditions_of(spec, governing) == expected


def test_the_status_says_what_a_review_says() -> None:
    rival = a_policy("p0", spec=SOUND)
    body = {"uid": "u", "operation": CREATE, "namespace": "a", "name": "p1", "object": raw_policy()}
    kind = {"group": "run.ai", "version": "v2alpha1", "kind": INTERACTIVE.policy_name}
    head = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    review = parse_review(json.dumps(head | {"request": body | {"kind": kind}}).encode())
    said = policy_problems(review, parse_policy(raw_policy(), INTERACTIVE, "a", "p1"), build_snapshot([rival], []))
    assert [problem.message for problem in said] == [conditions_of(SOUND, "p0")[0][3]]


@pytest.mark.parametrize("letter", ["a", "ü", "😀", "\ud800"], ids=ascii)
def test_a_long_message_is_cut(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.status.MOST_BYTES", 100)
    message = conditions_of({f"{letter * 60}{number}": {} for number in range(5)})[0][3]
    assert 90 < len(message.encode()) <= 100
    assert message.endswith("...")
    assert MOST_BYTES == 32768


# What is stored


def stored(**fields: Any) -> Any:
    return stored_status(raw_policy(**fields))


def written(spec: Any = SOUND, generation: int = 3) -> dict[str, Any]:
    """The status as it is stored after a write."""
    wanted = wanted_status(a_policy(spec=spec), a_policy(), generation)
    return {"observedGeneration": generation, "conditions": wanted.listed(wanted.since((), THEN))}


WANTED = wanted_status(a_policy(), a_policy(), 3)
TIMES = ((ACCEPTED, "True", THEN), (ENFORCED, "True", THEN))


def test_a_status_that_was_written_is_known_again() -> None:
    known = stored(status=written())
    assert (known.generation, known.version, known.digest, known.times) == (3, "7", WANTED.digest, TIMES)


def with_condition(index: int, **changes: Any) -> dict[str, Any]:
    status = written()
    status["conditions"][index].update(changes)
    return status


def without_field(name: str) -> dict[str, Any]:
    status = written()
    del status["conditions"][0][name]
    return status


deep: Any = []
for _ in range(400):
    deep = [deep]

OTHERS: dict[str, Any] = {
    "none": None,
    "no object": 5,
    "empty": {},
    "of another generation": written() | {"observedGeneration": 2},
    "of no generation": written() | {"observedGeneration": None},
    "of a generation in words": written() | {"observedGeneration": "3"},
    "of true": written() | {"observedGeneration": True},
    "conditions of no list": written() | {"conditions": {"type": ACCEPTED}},
    "conditions of no objects": written() | {"conditions": [5, None, "Accepted"]},
    "one condition": written() | {"conditions": written()["conditions"][:1]},
    "in another order": written() | {"conditions": written()["conditions"][::-1]},
    "one twice": written() | {"conditions": written()["conditions"] * 2},
    "another reason": with_condition(0, reason="Refused"),
    "another message": with_condition(1, message="x"),
    "another status": with_condition(0, status="False"),
    "a status that is none": with_condition(0, status="Perhaps"),
    "a condition's older generation": with_condition(0, observedGeneration=2),
    "a generation that is true": with_condition(0, observedGeneration=True),
    "a time that is none": with_condition(0, lastTransitionTime="yesterday"),
    "a time that is a number": with_condition(0, lastTransitionTime=5),
    "a field too many": with_condition(0, extra="x"),
    "a deep field": with_condition(0, message=deep),
    **{f"without {name}": without_field(name) for name in ("type", "reason", "message", "lastTransitionTime")},
}


@pytest.mark.parametrize("status", OTHERS.values(), ids=OTHERS)
def test_a_status_that_differs_is_seen(status: Any) -> None:
    assert stored(status=status).digest != WANTED.digest


def test_conditions_and_fields_of_others_do_not_count() -> None:
    other = {"type": "Healthy", "status": ["of", "any", "shape"]}
    status = written() | {"phase": "x", "conditions": [other, *written()["conditions"]]}
    assert stored(status=status).digest == WANTED.digest


def test_no_more_is_kept_than_our_conditions() -> None:
    status = written() | {"conditions": written()["conditions"] * 100}
    assert len(stored(status=status).times) == 2


@pytest.mark.parametrize("generation", [None, "3", True, 3.0])
def test_a_generation_that_is_none(generation: Any) -> None:
    assert stored(generation=generation).generation == 0


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "status", "conditions"]), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(json_like, json_like)
def test_whatever_is_stored_can_be_read(metadata: Any, status: Any) -> None:
    stored_status({"metadata": metadata, "status": status})


# What is written

BROKEN: dict[str, Any] = {"gpuu": {}}


@pytest.mark.parametrize(
    ("spec", "before", "expected"),
    [
        (SOUND, TIMES, (THEN, THEN)),
        (SOUND, (), (NOW, NOW)),
        (SOUND, TIMES[:1], (THEN, NOW)),
        (BROKEN, TIMES, (NOW, THEN)),
        (SOUND, ((ACCEPTED, "False", THEN), (ENFORCED, "Unknown", THEN)), (NOW, NOW)),
    ],
    ids=["nothing turned", "new", "one is new", "one turned", "both turned"],
)
def test_the_transition_time_changes_only_with_the_status(spec: Any, before: Any, expected: tuple[str, str]) -> None:
    wanted = wanted_status(a_policy(spec=spec), a_policy(), 3)
    assert tuple(since for _type, _status, since in wanted.since(before, NOW)) == expected


def test_what_is_applied() -> None:
    policy, known = a_policy(), stored()
    wanted = WantedStatus(3, (Condition(ACCEPTED, "False", "Refused", "spec.x: unknown field"),))
    assert status_path(policy) == f"/apis/{API_VERSION}/namespaces/a/interactivepolicies/p1/status"
    assert status_body(policy, known, wanted, wanted.since((), time_text(1767323045.9))) == {
        "apiVersion": "run.ai/v2alpha1",
        "kind": "InteractivePolicy",
        "metadata": {"name": "p1", "namespace": "a", "resourceVersion": "7"},
        "status": {
            "observedGeneration": 3,
            "conditions": [
                {
                    "type": "Accepted",
                    "status": "False",
                    "reason": "Refused",
                    "message": "spec.x: unknown field",
                    "observedGeneration": 3,
                    "lastTransitionTime": "2026-01-02T03:04:05Z",
                }
            ],
        },
    }
