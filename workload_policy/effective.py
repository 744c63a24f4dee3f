"""The subcommand `effective`: which policy applies to a kind in a namespace, and what it says of each value."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.kinds import MASTER_SPEC, Kind
from policies.lookup import Snapshot, StoredPolicy
from policies.schema import ENFORCE, Policy
from workload_policy.cluster import snapshot_from
from workload_policy.explain import Row, rows_of
from workload_policy.inputs import read_inputs
from workload_policy.names import UnknownKindError, find_resource
from workload_policy.report import Printer, Streams, print_json, print_table, printer_for, say, visible
from workloads.locate import DEFAULT_NAMESPACE

NOTHING = "-"
HEAD = ("VALUE", "DEFAULT", "RULES", "FROM")
PROJECT, GLOBAL = "project", "global"


@dataclass(frozen=True, slots=True)
class Effect:
    """What governs the workloads of a kind in a namespace; `scope` is where its policy is from, None without one."""

    kind: Kind
    namespace: str
    scope: str | None
    reason: str
    policy: Policy | None = None
    rows: tuple[Row, ...] = ()


def run_effective(args: Namespace, environ: Mapping[str, str], streams: Streams) -> int:
    """Find the policy and show it: 0, or 2 if the kind is unknown or something could not be read."""
    try:
        kind = find_resource(args.kind).kind
    except UnknownKindError as error:
        say(streams, f"--kind: {error}")
        return 2
    namespace = args.namespace or DEFAULT_NAMESPACE
    inputs = read_inputs(args.policies, namespace, streams)
    places = (namespace, args.global_namespace)
    policies = [entry for entry in inputs.policies if entry.kind is kind and entry.namespace in places]
    effect = effect_of(snapshot_from(policies, (), args.global_namespace, streams), kind, namespace)
    if args.output == "json":
        print_json(streams.stdout, report_of(effect))
    else:
        print_effect(printer_for(streams.stdout, environ), effect)
    return 0 if inputs.complete else 2


def effect_of(snapshot: Snapshot, kind: Kind, namespace: str) -> Effect:
    """The policy that governs, why it does, and all that it says."""
    scope, governing = governing_policy(snapshot, kind, namespace)
    reason = reason_of(snapshot, kind, namespace, governing)
    if governing is None:
        return Effect(kind, namespace, scope, reason)
    policy = governing.compiled.policy
    return Effect(kind, namespace, scope, reason, policy, tuple(rows_of(policy, json.loads(governing.document))))


def governing_policy(snapshot: Snapshot, kind: Kind, namespace: str) -> tuple[str | None, StoredPolicy | None]:
    """The policy that governs, and whether it is the project's own or the global one."""
    scopes = {PROJECT: namespace, GLOBAL: snapshot.global_namespace}
    if namespace == snapshot.global_namespace:
        del scopes[PROJECT]
    found = ((scope, snapshot.policies.get((kind.name, place))) for scope, place in scopes.items())
    return next(((scope, policy) for scope, policy in found if policy), (None, None))


def reason_of(snapshot: Snapshot, kind: Kind, namespace: str, governing: StoredPolicy | None) -> str:
    """Why this policy governs, or why none does."""
    places = list(dict.fromkeys([namespace, snapshot.global_namespace]))
    if governing is None:
        return f"there is no {kind.policy_name} in {' or '.join(places)}"
    if governing.namespace == namespace:
        return "the namespace's own" if len(places) > 1 else "the global one"
    return f"the global one, since {namespace} has no {kind.policy_name} of its own"


def notes_on(effect: Effect) -> Iterator[str]:
    """What the rows do not say."""
    policy = effect.policy
    if policy and MASTER_SPEC in policy.kind.blocks and MASTER_SPEC not in policy.blocks:
        yield "masterSpec: the rules of spec are asked there too; it is not filled, and nothing is required of it"
    yield "values that are not listed are free" if effect.rows else "all values are free"


# Reporting


def report_of(effect: Effect) -> dict[str, Any]:
    """The whole report, for machines."""
    policy = effect.policy
    return {
        "kind": effect.kind.name,
        "namespace": effect.namespace,
        "policy": policy.key if policy else None,
        "scope": effect.scope,
        "reason": effect.reason,
        "enforcement": policy.enforcement if policy else None,
        "policyMessage": policy.message if policy else None,
        "values": [value_report(row) for row in effect.rows],
        "notes": list(notes_on(effect)),
    }


def value_report(row: Row) -> dict[str, Any]:
    """One row, for machines."""
    return {
        "value": row.value,
        "default": row.default,
        "computed": row.computed,
        "rules": dict(row.rules),
        "says": list(row.says),
        "origin": list(row.origin),
    }


def print_effect(printer: Printer, effect: Effect) -> None:
    """The whole report, for people."""
    policy = effect.policy
    which = f"{policy.kind.policy_name} {policy.key} applies" if policy else "no policy applies"
    printer.line(visible(f"{effect.kind.name} in {effect.namespace}: {which} ({effect.reason})"))
    if policy and policy.enforcement != ENFORCE:
        printer.line(f"enforcement: {policy.enforcement}")
    if policy and policy.message:
        printer.line(f"message: {policy.message}")
    printer.line()
    if effect.rows:
        print_table(printer, HEAD, [cells_of(row) for row in effect.rows])
        printer.line()
    for note in notes_on(effect):
        printer.line(note)


def cells_of(row: Row) -> tuple[str, str, str, str]:
    """One row, for people."""
    return row.value, row.shown or row.computed or NOTHING, "; ".join(row.says) or NOTHING, ", ".join(row.origin)
