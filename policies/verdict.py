"""Verdict: the lines on a workload in order, and what is told to whom (semantics.md, section 5)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.compile import CompiledPolicy
from policies.rules import Violation
from policies.schema import ENFORCE, WARN

MOST_LINES = 100
MOST_WARNINGS = 20
LONGEST_WARNING = 120

# After one of these nothing more is said of the value.
LAST_WORDS = frozenset({"type", "blocked", "canEdit", "required"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The lines on a workload, in the order of messages, under the policy that governs it (None: none does)."""

    violations: tuple[Violation, ...]
    compiled: CompiledPolicy | None

    @property
    def refusals(self) -> tuple[Violation, ...]:
        """The lines that refuse: the policy's only where it enforces."""
        return tuple(line for line in self.violations if not line.of_policy or self.enforces)

    @property
    def enforces(self) -> bool:
        """Whether a line of the policy refuses."""
        return self.compiled is None or self.compiled.policy.enforcement == ENFORCE

    @property
    def allowed(self) -> bool:
        """Whether the workload is admitted."""
        return not self.refusals

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line, whatever the policy's enforcement."""
        return tuple(line.message for line in self.violations)

    @property
    def message(self) -> str:
        """The text of the refusal: its lines, then the policy and its administrator's word."""
        refusals = self.refusals
        told = [*first_lines([line.message for line in refusals], MOST_LINES)]
        if any(line.of_policy for line in refusals):
            told += self.signature
        return "\n".join(told)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an admitted or refused author is warned of: under Warn the policy's lines."""
        if self.compiled is None or self.compiled.policy.enforcement != WARN:
            return ()
        told = [line.message[:LONGEST_WARNING] for line in self.violations if line.of_policy]
        return (*told[:MOST_WARNINGS], *self.signature) if told else ()

    @property
    def signature(self) -> tuple[str, ...]:
        """`(InteractivePolicy runai-team-a/interactive-policy1)`, and the administrator's word."""
        if self.compiled is None:
            return ()
        policy = self.compiled.policy
        return (f"({policy.title})", *((policy.message,) if policy.message else ()))


def first_lines(lines: list[str], most: int) -> list[str]:
    """The first so many lines, then `and 7 more`."""
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more"]


def tidy(found: Iterable[Violation], compiled: CompiledPolicy | None) -> Verdict:
    """Put the lines in order and leave out what an earlier one already says."""
    lines = sorted(found, key=lambda line: line.order)
    if not lines:
        return Verdict((), compiled)
    return Verdict(tuple(said(lines, enforces=Verdict((), compiled).enforces)), compiled)


def said(lines: list[Violation], *, enforces: bool) -> Iterator[Violation]:
    """The lines that remain. One that does not refuse never silences one that does."""
    closed: set[tuple[tuple[object, ...], bool]] = set()
    akin: set[tuple[tuple[object, ...], str]] = set()
    for line in lines:
        order = line.place.order
        item = order[:4]
        refuses = enforces or not line.of_policy
        silencers = (True, False) if line.of_policy else (True,)
        if any((key, strong) in closed for key in (order, item) for strong in silencers):
            continue
        if line.akin and (order, line.akin) in akin:
            continue
        yield line
        whole_item = line.place.label is not None and line.place.member is None
        if whole_item or line.broken.rule in LAST_WORDS:
            closed.add((item if whole_item else order, refuses))
        if line.of_policy and refuses:
            akin.add((order, line.broken.rule))
