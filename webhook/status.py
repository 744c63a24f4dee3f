"""The status that a policy should have, and what is kept of the one that it has.

Accepted   whether it would be admitted today: by section 7, and as the only one of its kind in its namespace
Enforced   whether the replica that writes the status decides by this generation; the others follow within 2 s
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from policies.kinds import API_VERSION
from policies.lookup import StoredPolicy
from policies.printing import MOST
from policies.schema import AUDIT, ENFORCE, WARN, Policy, Problem, parse_policy
from workloads.locate import metadata_of, text_of

ACCEPTED, ENFORCED = TYPES = ("Accepted", "Enforced")
REFUSED, SHADOWED, IN_FORCE = "Refused", "Shadowed", "InForce"
MOST_BYTES = 32 * 1024  # of a message, by the API's conventions
CUT = "..."
SAID = ("type", "status", "reason", "message", "observedGeneration")
SINCE = "lastTransitionTime"
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
STATUSES = ("True", "False", "Unknown")
MODES = {
    ENFORCE: "violations are refused",
    WARN: "violations are admitted with a warning",
    AUDIT: "violations are admitted and recorded",
}

Times = tuple[tuple[str, str, str], ...]  # type, status, and since when


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """What is kept of a policy's metadata and status: some 500 bytes, whatever somebody has written there.

    version   the resourceVersion, without which a replica that lags would overwrite what is newer
    digest    of our part of the status without its times; empty if that is not as we write it
    """

    generation: int
    version: str
    digest: bytes
    times: Times


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, but for its times and the generation."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class WantedStatus:
    """The status that a generation should have."""

    generation: int
    conditions: tuple[Condition, ...]

    @property
    def digest(self) -> bytes:
        """By which it is told from a stored one."""
        return digest_of(self.generation, self.listed(()))

    def since(self, times: Times, now: str) -> Times:
        """Since when each condition has its status: as stored if that is the stored one, else since now."""
        known = {(kind, status): time for kind, status, time in times}
        return tuple((one.type, one.status, known.get((one.type, one.status), now)) for one in self.conditions)

    def listed(self, times: Times) -> list[dict[str, str | int]]:
        """The conditions as the API has them."""
        known = {kind: time for kind, _status, time in times}
        return [
            {
                "type": one.type,
                "status": one.status,
                "reason": one.reason,
                "message": one.message,
                "observedGeneration": self.generation,
                SINCE: known.get(one.type, ""),
            }
            for one in self.conditions
        ]


# What is wanted


def wanted_status(policy: StoredPolicy, governing: StoredPolicy, generation: int) -> WantedStatus:
    """The status of a policy; `governing` is the one of its kind that governs its namespace, perhaps itself."""
    read = parse_policy(json.loads(policy.document), policy.kind, policy.namespace, policy.name, policy.created)
    rival = None if governing.name == policy.name else governing
    return WantedStatus(generation, (acceptance(read, rival), enforcement(read, rival)))


def acceptance(policy: Policy, rival: StoredPolicy | None) -> Condition:
    """Whether it would be admitted. A rival is told first: of many problems the last ones are not told."""
    problems = (*((shadow(rival),) if rival else ()), *policy.problems)
    if not problems:
        return Condition(ACCEPTED, "True", ACCEPTED, "can be enforced as it is written")
    return Condition(ACCEPTED, "False", SHADOWED if rival else REFUSED, problem_lines(problems))


def enforcement(policy: Policy, rival: StoredPolicy | None) -> Condition:
    """Whether it decides. One with problems does: what cannot be read of it refuses."""
    if rival:
        return Condition(ENFORCED, "False", SHADOWED, shadow(rival).problem)
    return Condition(ENFORCED, "True", IN_FORCE, MODES[policy.enforcement])


def shadow(rival: StoredPolicy) -> Problem:
    """The line of section 7 on a second policy of a kind."""
    return Problem("metadata.namespace", f"{rival.kind.policy_name} {rival.name} already governs {rival.namespace}")


def problem_lines(problems: tuple[Problem, ...]) -> str:
    """A line each, of more than ten the first ten `and 7 more`; cut where it is too long."""
    more = (f"and {len(problems) - MOST} more",) if len(problems) > MOST else ()
    data = "\n".join((*(problem.message for problem in problems[:MOST]), *more)).encode(errors="replace")
    if len(data) <= MOST_BYTES:
        return data.decode()
    return data[: MOST_BYTES - len(CUT)].decode(errors="ignore") + CUT


# What is stored


def stored_status(raw: Mapping[str, Any]) -> StoredStatus:
    """What is kept of a raw policy's metadata and status."""
    metadata = metadata_of(raw)
    generation = metadata.get("generation")
    status = raw.get("status")
    status = status if isinstance(status, Mapping) else {}
    conditions = own_conditions(status.get("conditions"))
    whole = all(map(is_whole, conditions))
    return StoredStatus(
        generation if type(generation) is int else 0,
        text_of(metadata, "resourceVersion"),
        digest_of(status.get("observedGeneration"), conditions) if whole else b"",
        tuple((one["type"], one["status"], one[SINCE]) for one in conditions if is_timed(one))[: len(TYPES)],
    )


def own_conditions(raw: object) -> list[dict[str, Any]]:
    """The conditions of our types. Others are not ours to judge."""
    listed = raw if isinstance(raw, list) else []
    return [one for one in listed if isinstance(one, dict) and one.get("type") in TYPES]


def is_whole(condition: Mapping[str, Any]) -> bool:
    """Whether it has the fields that we write, no more and no less."""
    plain = all(type(field) in (str, int) for field in condition.values())
    return plain and condition.keys() == {*SAID, SINCE} and is_timed(condition)


def is_timed(condition: Mapping[str, Any]) -> bool:
    """Whether its status and time can be read."""
    since = condition.get(SINCE)
    return condition.get("status") in STATUSES and isinstance(since, str) and bool(TIME.fullmatch(since))


def digest_of(generation: object, conditions: Iterable[Mapping[str, Any]]) -> bytes:
    """A digest of a status, without its times; empty where the generation is none."""
    if type(generation) is not int:
        return b""
    said = [generation, [[condition[name] for name in SAID] for condition in conditions]]
    return blake2b(json.dumps(said).encode(), digest_size=16).digest()


# What is sent


def status_path(policy: StoredPolicy, prefix: str = f"/apis/{API_VERSION}") -> str:
    """Where the status of a policy is written."""
    return f"{prefix}/namespaces/{policy.namespace}/{policy.kind.policy_plural}/{policy.name}/status"


def status_body(policy: StoredPolicy, stored: StoredStatus, wanted: WantedStatus, times: Times) -> dict[str, Any]:
    """What is applied: refused as a conflict if the policy is no longer the one that was judged."""
    metadata = {"name": policy.name, "namespace": policy.namespace, "resourceVersion": stored.version}
    return {
        "apiVersion": API_VERSION,
        "kind": policy.kind.policy_name,
        "metadata": metadata,
        "status": {"observedGeneration": wanted.generation, "conditions": wanted.listed(times)},
    }


def time_text(seconds: float) -> str:
    """Seconds since the epoch as the API writes times: `2026-01-02T03:04:05Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
