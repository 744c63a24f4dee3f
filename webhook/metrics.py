"""What Prometheus is told. Every label has a bounded number of values, whatever clients send."""

import re
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from policies.kinds import MASTER_SPEC, POLICY_KINDS, SPEC, WORKLOAD_KINDS
from policies.values import CATALOGUE
from webhook.admit import Answer, Record
from webhook.sources import Change

BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
KINDS = POLICY_KINDS.keys() | WORKLOAD_KINDS.keys()
OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
VALUES = frozenset({value.name for value in CATALOGUE} | {"metadata"})
BLOCKS = (SPEC, MASTER_SPEC)
LENIENT = {"Warn": "warned", "Audit": "audited"}
UNDECIDED = {400: "malformed", 503: "not_synced"}
OTHER = "other"

FIRST_WORDS = re.compile(r"[A-Za-z]+")


class Meters:
    """The counters, gauges and histograms of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry, now: Callable[[], float]) -> None:
        self.registry = registry
        self.now = now
        self.checked = now()
        self.reviews = Counter(
            "workload_policy_reviews",
            "Requests of the API server, by what became of them.",
            ["endpoint", "kind", "operation", "verdict"],
            registry=registry,
        )
        self.violations = Counter(
            "workload_policy_violations",
            "Lines of all verdicts, in every enforcement mode.",
            ["kind", "value", "rule"],
            registry=registry,
        )
        self.seconds = Histogram(
            "workload_policy_review_duration_seconds",
            "From the whole body to the whole answer.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.make_source_meters()

    def make_source_meters(self) -> None:
        """What is told of the policies themselves."""
        age = Gauge(
            "workload_policy_snapshot_age_seconds",
            "Since the policies in force were last seen to be the current ones.",
            registry=self.registry,
        )
        age.set_function(lambda: self.now() - self.checked)
        self.policies = Gauge("workload_policy_policies", "Policies known, by kind.", ["kind"], registry=self.registry)
        self.conflicts = Gauge(
            "workload_policy_policy_conflicts",
            "Namespaces with more than one policy of a kind.",
            registry=self.registry,
        )
        self.failures = Counter(
            "workload_policy_source_reload_failures",
            "Files that turned out unreadable when they had changed.",
            registry=self.registry,
        )
        self.unreadable = Gauge(
            "workload_policy_source_unreadable_files",
            "Files that cannot be read now; their last good version stays in force.",
            registry=self.registry,
        )

    def count_answer(self, endpoint: str, answer: Answer, seconds: float) -> None:
        """One request answered."""
        record = answer.record
        kind = known(record.kind, KINDS) if record else ""
        operation = known(record.operation, OPERATIONS) if record else ""
        verdict = verdict_of(record) if record else UNDECIDED.get(answer.status, OTHER)
        self.reviews.labels(endpoint, kind, operation, verdict).inc()
        self.seconds.labels(endpoint).observe(seconds)
        for value, rule in record.violations if record else ():
            self.violations.labels(kind, value_word(value), rule).inc()

    def note_change(self, change: Change) -> None:
        """A new Snapshot is in force."""
        for kind in POLICY_KINDS:
            self.policies.labels(kind).set(change.policies.get(kind, 0))
        self.conflicts.set(len(change.snapshot.conflicts))
        self.failures.inc(change.failures)
        self.unreadable.set(change.unreadable)

    def note_check(self) -> None:
        """The Snapshot in force has just been seen to be current."""
        self.checked = self.now()


def known(word: str, words: frozenset[str] | set[str]) -> str:
    """The word, or `other` where it is none of those known."""
    return word if word in words else OTHER


def verdict_of(record: Record) -> str:
    """`refused`, `warned` or `audited` (admitted in spite of violations), or `allowed`."""
    if not record.allowed:
        return "refused"
    return LENIENT.get(record.enforcement or "", "allowed") if record.violations else "allowed"


def value_word(path: str) -> str:
    """The value that a line is about, without block, label and member: `ports` of `masterSpec.ports.http.container`."""
    words = [word for word in FIRST_WORDS.findall(path)[:2] if word not in BLOCKS]
    return known(words[0] if words else SPEC, VALUES | {SPEC})
