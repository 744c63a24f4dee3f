"""The subcommand `check`: what a CREATE of each manifest would come to, under policies from files."""

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jsonpatch

from policies.decide import Edit, Filling, case_of, fill_workload, judge_workload
from policies.lookup import Snapshot
from policies.rules import INVALID, Violation
from policies.schema import AUDIT, ENFORCE, WARN, Policy
from policies.verdict import Verdict
from policies.workload import Workload
from webhook.patch import json_patch
from workload_policy.cluster import located, snapshot_from
from workload_policy.inputs import Entry, Inputs, Key, read_inputs
from workload_policy.report import GREEN, INDENT, RED, YELLOW, Printer, Streams, print_json, printer_for, say, visible
from workload_policy.structure import Flaw, check_structure
from workloads.locate import Object, locate_workload

ADMITTED, REFUSED = "admitted", "refused"
MARKS = {ENFORCE: "", WARN: "warning: ", AUDIT: "recorded: "}  # of a policy's line, by enforcement


@dataclass(frozen=True, slots=True)
class Creation:
    """What the CREATE of a manifest comes to.

    stored      the object after the patch; as written if its structure is refused, and then `verdict` is None
    flaws       of its structure
    warnings    on unknown fields that were let through
    """

    entry: Entry
    stored: Object
    flaws: tuple[Flaw, ...] = ()
    warnings: tuple[str, ...] = ()
    filling: Filling = field(default_factory=Filling)
    verdict: Verdict | None = None

    @property
    def allowed(self) -> bool:
        """Whether it is admitted."""
        return self.verdict is not None and self.verdict.allowed

    @property
    def policy(self) -> Policy | None:
        """The policy that governs it; None if there is none, or it was not asked."""
        return self.verdict.compiled.policy if self.verdict and self.verdict.compiled else None

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All lines, whatever the policy's enforcement."""
        return self.verdict.violations if self.verdict else ()

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What its author would be warned of."""
        return (*self.warnings, *(self.verdict.warnings if self.verdict else ()))


def run_check(args: Namespace, environ: Mapping[str, str], streams: Streams) -> int:
    """Judge the manifests and report: 0 if all are admitted, 1 if one is refused, 2 if something is unreadable."""
    manifests = read_inputs(args.files, args.namespace, streams)
    present = read_inputs(args.policies, args.namespace, streams)
    known = known_to(manifests, present, args.global_namespace, streams)
    creations = create_all(manifests.workloads, known, args.field_validation)
    if not creations:
        say(streams, "no workload found")
    if args.output == "json":
        print_json(streams.stdout, report_of(creations, manifests.skipped))
    else:
        print_creations(printer_for(streams.stdout, environ), creations, manifests.skipped)
    if not (manifests.complete and present.complete):
        return 2
    return 0 if all(creation.allowed for creation in creations) else 1


def known_to(manifests: Inputs, present: Inputs, global_namespace: str, streams: Streams) -> Snapshot:
    """The policies that could govern, and the workloads there before; of what is in both the manifest counts."""
    anew = {entry.key for entry in (*manifests.policies, *manifests.workloads)}
    places = {
        (entry.kind, namespace) for entry in manifests.workloads for namespace in (entry.namespace, global_namespace)
    }
    before = [entry for entry in present.policies if entry.key not in anew and (entry.kind, entry.namespace) in places]
    bases = [entry for entry in present.workloads if entry.key not in anew]
    return snapshot_from([*manifests.policies, *before], bases, global_namespace, streams)


# Creating


def create_all(entries: Sequence[Entry], known: Snapshot, field_validation: str) -> tuple[Creation, ...]:
    """Create each manifest, bases first: one that is refused is not there when its workloads come."""
    there = dict(known.workloads)
    creations: dict[int, Creation] = {}
    for index in bases_first(entries, known.global_namespace):
        entry = entries[index]
        wanted = base_keys(entry, known.global_namespace)
        bases = {key: there[key] for key in wanted if key in there}
        creation = create(entry, replace(known, workloads=bases), field_validation)
        if creation.allowed and entry.name:
            there.setdefault(entry.key, stored_workload(creation))
        creations[index] = creation
    return tuple(creations[index] for index in range(len(entries)))


def bases_first(entries: Sequence[Entry], global_namespace: str) -> Iterator[int]:
    """The places of the entries in an order in which each base comes before what names it, circles apart."""
    places = {entry.key: index for index, entry in reversed(list(enumerate(entries)))}
    seen: set[int] = set()
    for index in range(len(entries)):
        path = [] if index in seen else [index]
        while path:
            seen.add(path[-1])
            bases = (places.get(key) for key in base_keys(entries[path[-1]], global_namespace))
            following = next((base for base in bases if base is not None and base not in seen), None)
            if following is None:
                yield path.pop()
            else:
                path.append(following)


def base_keys(entry: Entry, global_namespace: str) -> tuple[Key, ...]:
    """Where the base of a workload may be: in its namespace, else in the global one."""
    name = located(entry).base_name
    return tuple((entry.kind_name, namespace, name) for namespace in (entry.namespace, global_namespace) if name)


def create(entry: Entry, known: Snapshot, field_validation: str) -> Creation:
    """What the API server and its webhooks make of a manifest: structure, filling, verdict."""
    structure = check_structure(entry.raw, entry.kind, policy=False, field_validation=field_validation)
    if structure.flaws:
        return Creation(entry, entry.raw, structure.flaws, structure.warnings)
    sent = locate_workload(structure.raw, entry.kind, entry.namespace)
    filling = fill_workload(case_of(known, sent, None))
    stored = apply_edits(structure.raw, filling.edits)
    verdict = judge_workload(case_of(known, locate_workload(stored, entry.kind, entry.namespace), None))
    return Creation(entry, stored, (), structure.warnings, filling, verdict)


def apply_edits(raw: Object, edits: Iterable[Edit]) -> Object:
    """The object after its patch, applied as an API server does; nothing is shared with the manifest."""
    patch = json_patch(edits)
    if not patch:
        return raw
    patched: Object = jsonpatch.apply_patch(json.loads(json.dumps(raw)), patch, in_place=True)
    return patched


def stored_workload(creation: Creation) -> Workload:
    """The workload as others may name it as their base."""
    return locate_workload(creation.stored, creation.entry.kind, creation.entry.namespace)


# Reporting


def report_of(creations: Sequence[Creation], skipped: int) -> dict[str, Any]:
    """The whole report, for machines."""
    return {
        "results": [result_of(creation) for creation in creations],
        "skipped": skipped,
        "summary": summary_of(creations, skipped),
    }


def summary_of(creations: Sequence[Creation], skipped: int) -> dict[str, int]:
    """How many came to what."""
    admitted = sum(creation.allowed for creation in creations)
    return {ADMITTED: admitted, REFUSED: len(creations) - admitted, "skipped": skipped}


def result_of(creation: Creation) -> dict[str, Any]:
    """One manifest's part of the report."""
    entry, policy = creation.entry, creation.policy
    return {
        "file": entry.document.file,
        "document": entry.document.index,
        "kind": entry.kind_name,
        "namespace": entry.namespace,
        "name": entry.shown_name,
        "allowed": creation.allowed,
        "policy": policy.key if policy else None,
        "enforcement": policy.enforcement if policy else None,
        "violations": [*map(flaw_report, creation.flaws), *map(violation_report, creation.violations)],
        "policyMessage": policy.message if policy else None,
        "warnings": list(creation.all_warnings),
        "defaults": list(creation.filling.defaults),
        "patch": json_patch(creation.filling.edits),
        "object": creation.stored,
    }


def violation_report(line: Violation) -> dict[str, str]:
    """A line of the verdict."""
    return {
        "value": line.place.shown,
        "field": line.field,
        "rule": line.broken.rule,
        "reason": line.broken.reason,
        "message": line.message,
    }


def flaw_report(flaw: Flaw) -> dict[str, str]:
    """A flaw of the structure."""
    return {
        "value": flaw.field,
        "field": flaw.field,
        "rule": "schema",
        "reason": INVALID,
        "message": flaw.sentence,
    }


def print_creations(printer: Printer, creations: Sequence[Creation], skipped: int) -> None:
    """The whole report, for people."""
    for creation in creations:
        print_creation(printer, creation)
    if creations:
        printer.line()
    summary = summary_of(creations, skipped)
    printer.line(", ".join(f"{count} {word}" for word, count in summary.items()))


def print_creation(printer: Printer, creation: Creation) -> None:
    """A line on the manifest, then why, what it is warned of, and what was filled."""
    entry = creation.entry
    word = printer.paint(f"{ADMITTED if creation.allowed else REFUSED:8}", GREEN if creation.allowed else RED)
    printer.line(f"{word}  {visible(entry.title)}  ({visible(entry.where)})  {governed_by(creation)}")
    for mark, line in remarks_on(creation):
        printer.line(f"{printer.paint(mark, YELLOW)}{visible(line)}", INDENT)
    if creation.filling.defaults:
        printer.line(f"filled: {', '.join(creation.filling.defaults)}", INDENT)


def governed_by(creation: Creation) -> str:
    """Which policy applied, and how far where it does not simply refuse."""
    if creation.verdict is None:
        return "not judged"
    policy = creation.policy
    if policy is None:
        return "no policy"
    return f"policy {visible(policy.key)}{'' if creation.verdict.enforces else f' ({policy.enforcement})'}"


def remarks_on(creation: Creation) -> Iterator[tuple[str, str]]:
    """The lines under a manifest, each with a mark where it did not refuse."""
    yield from (("", flaw.line) for flaw in creation.flaws)
    policy, violations = creation.policy, creation.violations
    for line in violations:
        yield MARKS[policy.enforcement] if policy and line.of_policy else "", line.message
    if policy and policy.message and policy.enforcement != AUDIT and any(line.of_policy for line in violations):
        yield "", policy.message
    yield from ((MARKS[WARN], warning) for warning in creation.warnings)
