"""The straight line from an AdmissionReview's bytes to its answer. Pure: no I/O, and time comes in."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from policies.decide import Case, case_of, fill_workload, judge_workload
from policies.kinds import MASTER_SPEC, POLICY_KINDS, SPEC, WORKLOAD_KINDS, Kind
from policies.lookup import Snapshot, conflict
from policies.printing import print_text
from policies.reach import refusals_in_reach
from policies.rules import INVALID
from policies.schema import Policy, Problem
from policies.verdict import MOST_LINES, Verdict, first_lines
from policies.workload import Raw
from webhook.patch import json_patch
from webhook.review import (
    CREATE,
    UPDATE,
    NotAReviewError,
    Review,
    Status,
    answer_allowed,
    answer_refused,
    parse_review,
)
from workloads.locate import locate_policy, locate_workload

MUTATE, VALIDATE, VALIDATE_POLICY = "mutate", "validate", "validate-policy"

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Record:
    """What the log and the metrics say of a decision: names and the policy's values, never the object's.

    violations   (value, rule) of each line; `lines` their texts
    defaults     the names of what was filled
    """

    uid: str
    endpoint: str
    kind: str
    namespace: str
    name: str
    operation: str
    allowed: bool
    policy: str | None = None
    enforcement: str | None = None
    violations: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, and the AdmissionReview (200) or a plain sentence (400); `record` where a decision was made."""

    status: int
    body: bytes
    record: Record | None = None


def admit(endpoint: str, body: bytes, snapshot: Snapshot, clock: Clock = time.monotonic) -> Answer:
    """Answer one review sent to `/mutate`, `/validate` or `/validate-policy`.

    `clock` tells seconds; it bounds the trial of a policy against the workloads in its reach.
    """
    try:
        return answer(endpoint, body, snapshot, clock)
    except NotAReviewError as error:
        return Answer(400, f"{error}\n".encode(errors="backslashreplace"))
    except RecursionError:
        return Answer(400, b"the object is nested too deeply\n")


def answer(endpoint: str, body: bytes, snapshot: Snapshot, clock: Clock) -> Answer:
    """The same. NotAReviewError if the body is no review of a kind that the path serves."""
    kinds = POLICY_KINDS if endpoint == VALIDATE_POLICY else WORKLOAD_KINDS
    review = parse_review(body)
    kind = kinds.get(review.kind)
    if kind is None:
        raise NotAReviewError(f"/{endpoint} expected one of {', '.join(kinds)}, got {print_text(review.kind)}")
    if review.operation not in (CREATE, UPDATE) or review.new is None:
        return Answer(200, answer_allowed(review.uid), record_of(review, endpoint, allowed=True))
    if endpoint == MUTATE:
        return mutate(review, review.new, kind, snapshot)
    if endpoint == VALIDATE:
        return validate(review, review.new, kind, snapshot)
    return validate_policy(review, kind, snapshot, clock)


def mutate(review: Review, new: Mapping[str, Raw], kind: Kind, snapshot: Snapshot) -> Answer:
    """Fill what the workload leaves out. Never refuses."""
    case = case_in(review, new, kind, snapshot)
    filling = fill_workload(case)
    policy = case.compiled.policy if case.compiled else None
    annotations = annotate(policy=policy, defaults=filling.defaults)
    body = answer_allowed(review.uid, patch=json_patch(filling.edits), annotations=annotations)
    record = record_of(review, MUTATE, allowed=True, policy=policy)
    return Answer(200, body, replace(record, defaults=filling.defaults))


def validate(review: Review, new: Mapping[str, Raw], kind: Kind, snapshot: Snapshot) -> Answer:
    """Judge the object as it will be stored."""
    case = case_in(review, new, kind, snapshot)
    verdict = judge_workload(case)
    policy = case.compiled.policy if case.compiled else None
    annotations = annotate(policy=policy, lines=verdict.lines)
    record = replace(
        record_of(review, VALIDATE, allowed=verdict.allowed, policy=policy),
        violations=tuple((line.place.shown, line.broken.rule) for line in verdict.violations),
        lines=verdict.lines,
    )
    if verdict.allowed:
        body = answer_allowed(review.uid, warnings=verdict.warnings, annotations=annotations)
    else:
        status = refusal(review, verdict)
        body = answer_refused(review.uid, status, warnings=verdict.warnings, annotations=annotations)
    return Answer(200, body, record)


def validate_policy(review: Review, kind: Kind, snapshot: Snapshot, clock: Clock) -> Answer:
    """Refuse a policy that could never work; warn of the workloads that it would refuse."""
    compiled = locate_policy(review.new or {}, kind, review.namespace, review.name).compiled
    policy = compiled.policy
    problems = policy_problems(review, policy, snapshot)
    lines = tuple(problem.message for problem in problems)
    annotations = annotate(lines=lines)
    record = replace(
        record_of(review, VALIDATE_POLICY, allowed=not problems),
        violations=tuple((problem.path, "policy") for problem in problems),
        lines=lines,
    )
    if problems:
        message = "\n".join(first_lines(list(lines), MOST_LINES))
        causes = [(INVALID, problem.message, problem.path) for problem in problems[:MOST_LINES]]
        status = Status(review.kind, review.name, message, causes)
        return Answer(200, answer_refused(review.uid, status, annotations=annotations), record)
    warnings = [*shadow_warnings(policy, snapshot), *refusals_in_reach(snapshot, compiled, clock)]
    return Answer(200, answer_allowed(review.uid, warnings=warnings), record)


def policy_problems(review: Review, policy: Policy, snapshot: Snapshot) -> tuple[Problem, ...]:
    """The problems of a policy that is created or whose rules change, and of a second one in its namespace."""
    if review.operation == UPDATE and review.old is not None and same_rules(review.new or {}, review.old):
        return ()
    governing = snapshot.policies.get((policy.kind.name, policy.namespace))
    if review.operation == CREATE and governing and governing.name != policy.name:
        title = f"{policy.kind.policy_name} {governing.name} already governs {policy.namespace}"
        return (*policy.problems, Problem("metadata.namespace", title))
    return policy.problems


def same_rules(new: Mapping[str, Raw], old: Mapping[str, Raw]) -> bool:
    """Whether two policies say the same, true and 1 being different."""
    one, other = (json.dumps([raw.get(block) for block in (SPEC, MASTER_SPEC)], sort_keys=True) for raw in (new, old))
    return one == other


def shadow_warnings(policy: Policy, snapshot: Snapshot) -> tuple[str, ...]:
    """The Warning on a write to one of two policies of a kind in a namespace."""
    key = policy.kind.name, policy.namespace
    return (conflict(snapshot.policies[key], snapshot.shadowed[key]),) if key in snapshot.shadowed else ()


def case_in(review: Review, new: Mapping[str, Raw], kind: Kind, snapshot: Snapshot) -> Case:
    """The case of a review: its objects located, its policy and its base found."""
    located = locate_workload(new, kind, review.namespace, review.name)
    updates = review.operation == UPDATE and review.old is not None
    old = locate_workload(review.old or {}, kind, review.namespace, review.name) if updates else None
    return case_of(snapshot, located, old)


def refusal(review: Review, verdict: Verdict) -> Status:
    """The Status of a refused workload: its text, and a cause for each line that the text holds."""
    causes = [(line.broken.reason, line.message, line.field) for line in verdict.refusals[:MOST_LINES]]
    return Status(review.kind, review.name, verdict.message, causes)


def annotate(
    *, policy: Policy | None = None, lines: tuple[str, ...] = (), defaults: tuple[str, ...] = ()
) -> dict[str, str]:
    """The audit annotations, those that have something to say; lists as JSON."""
    annotations = {"policy": policy.key, "enforcement": policy.enforcement} if policy else {}
    if lines:
        annotations["violations"] = json.dumps(lines)
    if defaults:
        annotations["defaults"] = json.dumps(defaults)
    return annotations


def record_of(review: Review, endpoint: str, *, allowed: bool, policy: Policy | None = None) -> Record:
    """What the log says of a decision, before its lines."""
    return Record(
        review.uid,
        endpoint,
        review.kind,
        review.namespace,
        review.name,
        review.operation,
        allowed,
        policy.key if policy else None,
        policy.enforcement if policy else None,
    )
