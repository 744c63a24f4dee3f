"""The subcommand `lint`: whether a cluster would take these policies, and which workloads they would refuse."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.lookup import Snapshot, build_snapshot
from policies.reach import refusals_in_reach
from workload_policy.cluster import Complaint, complaints_on, counted_once, located, located_policy
from workload_policy.inputs import Entry, Inputs, read_inputs
from workload_policy.report import GREEN, INDENT, RED, YELLOW, Printer, Streams, print_json, printer_for, say, visible

ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of one policy: why it would be refused, else whom it would refuse."""

    entry: Entry
    complaints: tuple[Complaint, ...]
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether a cluster would take it."""
        return not self.complaints


def run_lint(args: Namespace, environ: Mapping[str, str], streams: Streams) -> int:
    """Check the policies and report: 0 if all are accepted, 1 if one is refused, 2 if something is unreadable."""
    inputs = read_inputs(args.paths, args.namespace, streams)
    findings = find_all(inputs, snapshot_of_inputs(inputs, args.global_namespace, streams))
    if not findings:
        say(streams, "no policy found")
    if args.output == "json":
        print_json(streams.stdout, report_of(findings, inputs.skipped))
    else:
        print_findings(printer_for(streams.stdout, environ), findings, inputs.skipped)
    if not inputs.complete:
        return 2
    return 0 if all(finding.accepted for finding in findings) else 1


def snapshot_of_inputs(inputs: Inputs, global_namespace: str, streams: Streams) -> Snapshot:
    """What the policies are tried against: each other's reach, and the workloads that were read."""
    workloads = [entry for entry in inputs.workloads if entry.is_served and entry.name]
    return build_snapshot(
        [located_policy(entry) for entry in first_of_kind(inputs.policies).values()],
        [located(entry) for entry in counted_once(workloads, streams)],
        global_namespace,
    )


def first_of_kind(policies: Sequence[Entry]) -> dict[tuple[str, str], Entry]:
    """The policy of each kind and namespace that comes first, as they would be applied."""
    return {(entry.kind_name, entry.namespace): entry for entry in reversed(policies) if entry.is_served}


def find_all(inputs: Inputs, snapshot: Snapshot) -> tuple[Finding, ...]:
    """What there is to say of each policy."""
    first = first_of_kind(inputs.policies)
    return tuple(
        find(entry, first.get((entry.kind_name, entry.namespace), entry), snapshot) for entry in inputs.policies
    )


def find(entry: Entry, governing: Entry, snapshot: Snapshot) -> Finding:
    """What there is to say of one policy; `governing` is the first of its kind in its namespace."""
    stored = located_policy(entry)
    complaints = complaints_on(entry, stored)
    if entry.is_served and entry.name != governing.name:
        problem = f"{entry.kind_name} {governing.shown_name} already governs {entry.namespace}"
        complaints = (*complaints, ("metadata.namespace", f"metadata.namespace: {problem}"))
    if complaints:
        return Finding(entry, complaints)
    return Finding(entry, (), refusals_in_reach(snapshot, stored.compiled, no_time_passes))


def no_time_passes() -> float:
    """The clock of a trial: what a report says depends on no machine's speed."""
    return 0.0


# Reporting


def report_of(findings: Sequence[Finding], skipped: int) -> dict[str, Any]:
    """The whole report, for machines."""
    return {
        "results": [result_of(finding) for finding in findings],
        "skipped": skipped,
        "summary": summary_of(findings, skipped),
    }


def summary_of(findings: Sequence[Finding], skipped: int) -> dict[str, int]:
    """How many came to what."""
    accepted = sum(finding.accepted for finding in findings)
    return {ACCEPTED: accepted, REFUSED: len(findings) - accepted, "skipped": skipped}


def result_of(finding: Finding) -> dict[str, Any]:
    """One policy's part of the report."""
    entry = finding.entry
    return {
        "file": entry.document.file,
        "document": entry.document.index,
        "kind": entry.kind_name,
        "namespace": entry.namespace,
        "name": entry.shown_name,
        "accepted": finding.accepted,
        "problems": [{"path": path, "message": line} for path, line in finding.complaints],
        "warnings": list(finding.warnings),
    }


def print_findings(printer: Printer, findings: Sequence[Finding], skipped: int) -> None:
    """The whole report, for people."""
    for finding in findings:
        word = printer.paint(f"{ACCEPTED if finding.accepted else REFUSED:8}", GREEN if finding.accepted else RED)
        printer.line(f"{word}  {visible(finding.entry.title)}  ({visible(finding.entry.where)})")
        for _, line in finding.complaints:
            printer.line(visible(line), INDENT)
        for warning in finding.warnings:
            printer.line(f"{printer.paint('warning: ', YELLOW)}{visible(warning)}", INDENT)
    if findings:
        printer.line()
    summary = summary_of(findings, skipped)
    printer.line(", ".join(f"{count} {word}" for word, count in summary.items()))
