"""The task that writes the status of policies, while this replica holds the Lease: only what differs, and slowly.

What was written and does not come back (a schema that prunes it, another writer) is written again after pauses that
grow to ten minutes, never in a loop.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from policies.lookup import StoredPolicy
from webhook.follow import LONGEST_ASKED, pause_seconds
from webhook.journal import Journal
from webhook.kube import ApiError, RefusedError
from webhook.lease import Election
from webhook.status import StoredStatus, Times, WantedStatus, status_body, status_path, time_text, wanted_status
from workloads.shelf import Key, Stock

MANAGER = "workload-policy-status"
ROUND_SECONDS = 1
WRITE_SECONDS = 0.05  # between two writes: at most 20 a second
FIRST_PAUSE, LONGEST_PAUSE = 5, 600  # of one policy, whose status was written and does not come back
OUR_FAULTS = (400, 404, 409, 413, 422)  # what is wrong with one policy, and not with the API server
PASSING = (404, 409)  # deleted or changed meanwhile
BREATH = 64  # policies that are compared before other tasks have their turn
WRITTEN, FAILED = "written", "failed"


class StatusApi(Protocol):
    """What is asked of the API server."""

    async def apply(self, path: str, body: Any, manager: str) -> Any: ...  # noqa: D102


class Shelves(Protocol):
    """What is known: a Desk. `reports` is replaced whenever a policy changes in any way, never edited."""

    @property
    def stock(self) -> Stock: ...  # noqa: D102
    @property
    def reports(self) -> Mapping[Key, StoredStatus]: ...  # noqa: D102


class Known(Protocol):
    """What is followed: a Sync."""

    @property
    def synced(self) -> bool: ...  # noqa: D102
    @property
    def desk(self) -> Shelves: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a status follows from."""

    policy: StoredPolicy
    governing: StoredPolicy
    generation: int

    @property
    def wanted(self) -> WantedStatus:
        """The status; never kept, since its messages may be long."""
        return wanted_status(self.policy, self.governing, self.generation)


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of a policy.

    digest       of the status that it should have
    sent         the times that were last sent, until they are stored
    tries, due   how often that was written, and when it may be again
    """

    basis: Basis
    digest: bytes
    sent: Times = ()
    tries: int = 0
    due: float = 0


class Reporter:
    """Writes the status of policies. `count` hears of each write: `written` or `failed`."""

    def __init__(
        self, api: StatusApi, election: Election, known: Known, journal: Journal, count: Callable[[str], None]
    ) -> None:
        self.api = api
        self.election = election
        self.pace = election.pace
        self.known = known
        self.journal = journal
        self.count = count
        self.notes: dict[Key, Note] = {}
        self.seen: object = None
        self.due = self.resting_until = self.pace.now()
        self.failures = 0
        self.leads = False
        self.trouble = ""

    async def run(self) -> None:
        """Report, for good."""
        while True:
            try:
                await self.turn()
            except Exception as error:  # noqa: BLE001 - a bug here must not stop the webhook
                self.journal.write_fault(error, message="the status of policies cannot be written")
                self.rest(0)
            await self.pace.sleep(ROUND_SECONDS)

    async def turn(self) -> None:
        """Renew the Lease, and write what differs if it is ours. Who has not seen all policies does not stand."""
        if not self.known.synced:
            return
        self.lead(leads=await self.election.keep())
        self.tell(self.election.trouble)
        if self.leads and self.pace.now() >= self.resting_until:
            await self.write_all()

    async def write_all(self) -> None:
        """One round over all policies; none if nothing has changed since the last one and nothing is due."""
        reports = self.known.desk.reports
        if reports is self.seen and self.pace.now() < self.due:
            return
        self.seen, self.due = None, math.inf
        for number, (policy, governing) in enumerate(self.policies()):
            if not await self.settle(policy, governing):
                return
            if number % BREATH == 0:
                await asyncio.sleep(0)
        self.notes = {key: note for key, note in self.notes.items() if key in reports}
        self.seen = reports

    def policies(self) -> Iterator[tuple[StoredPolicy, StoredPolicy]]:
        """Each policy as it is when its turn comes, and the one that governs."""
        for place in tuple(self.known.desk.stock.governing):
            group = self.known.desk.stock.group_at(place)
            yield from ((policy, group[0]) for policy in group)

    # One policy

    async def settle(self, policy: StoredPolicy, governing: StoredPolicy) -> bool:
        """Write the status of a policy if it differs; whether the round may go on."""
        key = policy.kind.name, policy.namespace, policy.name
        stored = self.known.desk.reports.get(key)
        if stored is None:
            return True
        note = self.note_on(key, Basis(policy, governing, stored.generation))
        if note.digest == stored.digest:
            if note.sent:
                self.notes[key] = replace(note, sent=())
            return True
        if self.pace.now() < note.due:
            self.due = min(self.due, note.due)
            return True
        return await self.write(key, note, stored)

    def note_on(self, key: Key, basis: Basis) -> Note:
        """What is remembered of a policy; begun anew if its status may be another one now."""
        note = self.notes.get(key)
        if note is None or note.basis != basis:
            note = self.notes[key] = Note(basis, basis.wanted.digest, note.sent if note else ())
        return note

    async def write(self, key: Key, note: Note, stored: StoredStatus) -> bool:
        """Write a status, if the Lease is still ours; whether the round may go on."""
        self.lead(leads=await self.election.keep())
        if not self.leads:
            return False
        wanted = note.basis.wanted
        times = wanted.since(note.sent or stored.times, time_text(self.election.wall()))
        self.notes[key] = note = self.tried(note, times)
        self.due = min(self.due, note.due)
        goes_on = await self.send(note, status_body(note.basis.policy, stored, wanted, times))
        await self.pace.sleep(WRITE_SECONDS)
        return goes_on

    def tried(self, note: Note, times: Times) -> Note:
        """The note on a policy that is written now. Pauses begin anew after a long peace."""
        now = self.pace.now()
        tries = 0 if now - note.due > LONGEST_PAUSE else note.tries
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries, 10)) * (1 + self.pace.random()) / 2
        return replace(note, sent=times, tries=tries + 1, due=now + pause)

    async def send(self, note: Note, body: dict[str, Any]) -> bool:
        """One request; False if the API server had better be left alone for a while."""
        policy = note.basis.policy
        try:
            await self.api.apply(status_path(policy), body, MANAGER)
        except ApiError as error:
            self.count(FAILED)
            status = error.status if isinstance(error, RefusedError) else 0
            if status not in PASSING or note.tries > 1:
                self.tell(f"the status of {policy.title}: {error}")
            if status in OUR_FAULTS:
                return True
            self.rest(error.retry_after)
            return False
        self.count(WRITTEN)
        self.failures, self.trouble = 0, ""
        return True

    # How it goes

    def rest(self, asked: float) -> None:
        """Write nothing for a while, longer after each failure."""
        self.failures += 1
        pause = pause_seconds(self.failures, min(asked, LONGEST_ASKED), self.pace.random())
        self.resting_until = self.pace.now() + pause

    def lead(self, *, leads: bool) -> None:
        """The Lease is ours, or no longer; what others have written meanwhile is not in the notes."""
        if leads == self.leads:
            return
        self.leads = leads
        self.notes, self.seen = {}, None
        message = "writes the status of policies" if leads else "no longer writes the status of policies"
        self.journal.write("info", "status", message=f"this replica {message}")

    def tell(self, sentence: str) -> None:
        """A line of log, unless it was the last one."""
        if sentence and sentence != self.trouble:
            self.journal.write("warning", "status", message=sentence)
            self.trouble = sentence
