"""Which replica writes the status of policies: the one that holds a Lease, and has renewed it lately.

Times of other machines are never compared with ours. A Lease has expired when it has not changed for its duration
while we looked; its holder stops writing 5 s earlier by its own clock, so that two never write at once.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from webhook.follow import Pace
from webhook.kube import ApiError, ConflictError, MissingError

LEASE_SECONDS = 15
STOP_SECONDS = 10  # without a renewal; a request that begins then has ended when the Lease expires
REQUEST_SECONDS = 5  # that a request of the holder may take
TRY_SECONDS = 3
LONGEST_LEASE = 60  # whatever the holder has written
API = "coordination.k8s.io/v1"

Lease = Mapping[str, Any]


class LeaseApi(Protocol):
    """What is asked of the API server."""

    async def get(self, path: str) -> Any: ...  # noqa: D102
    async def create(self, path: str, body: Any) -> Any: ...  # noqa: D102
    async def replace(self, path: str, body: Any) -> Any: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Seat:
    """The Lease, and who would hold it: a name that no other process has, not even this pod's last one."""

    namespace: str
    name: str
    holder: str

    @property
    def collection(self) -> str:
        """Where Leases are created."""
        return f"/apis/{API}/namespaces/{self.namespace}/leases"

    @property
    def path(self) -> str:
        """The Lease itself."""
        return f"{self.collection}/{self.name}"


class Election:
    """One replica's part in it.

    lease        as it was last read or written
    changed_at   when that was first seen, renewed_at when its last renewal by us began: both by our own clock
    trouble      what went wrong at the last try
    """

    def __init__(self, api: LeaseApi, seat: Seat, pace: Pace, wall: Callable[[], float]) -> None:
        self.api = api
        self.seat = seat
        self.pace = pace
        self.wall = wall
        self.lease: Lease = {}
        self.changed_at = 0.0
        self.renewed_at: float | None = None
        self.due = pace.now()
        self.trouble = ""

    @property
    def holds(self) -> bool:
        """Whether this replica may write now."""
        return self.renewed_at is not None and self.pace.now() - self.renewed_at < STOP_SECONDS

    async def keep(self) -> bool:
        """Take or renew the Lease if it is time to; whether this replica holds it."""
        now = self.pace.now()
        if now >= self.due:
            self.due = now + TRY_SECONDS * (1 - self.pace.random() / 5)
            await self.try_once()
        return self.holds

    async def release(self) -> None:
        """Let another one take it at once."""
        if self.holds:
            self.renewed_at = None
            with suppress(ApiError):
                await self.api.replace(self.seat.path, self.lease_with(holderIdentity="", leaseDurationSeconds=1))

    # A try

    async def try_once(self) -> None:
        """Take or renew, once."""
        self.trouble = ""
        try:
            await self.claim()
        except ConflictError:  # another one was faster
            self.renewed_at = None
        except ApiError as error:
            self.trouble = f"the Lease {self.seat.namespace}/{self.seat.name}: {error}"

    async def claim(self) -> None:
        """Renew what is held; otherwise, or if somebody has changed it, read it and take it if it may be taken."""
        if self.holds:
            with suppress(ConflictError, MissingError):
                await self.write()
                return
        self.renewed_at = None
        try:
            self.note(await self.api.get(self.seat.path))
        except MissingError:
            await self.create()
            return
        if self.is_free:
            await self.write()

    async def create(self) -> None:
        """The first Lease."""
        began = self.pace.now()
        self.lease = {"metadata": {"name": self.seat.name, "namespace": self.seat.namespace}}
        body = {"apiVersion": API, "kind": "Lease", **self.lease_with(**self.claims(transitions=0))}
        self.note(await self.api.create(self.seat.collection, body))
        self.renewed_at = began

    async def write(self) -> None:
        """Renew, or take over. ConflictError if somebody has changed it since it was read."""
        began = self.pace.now()
        spec = spec_of(self.lease)
        transitions = spec.get("leaseTransitions") or 0
        if spec.get("holderIdentity") == self.seat.holder:
            changes = {"renewTime": micro_time(self.wall()), "leaseDurationSeconds": LEASE_SECONDS}
        else:
            changes = self.claims(transitions + 1)
        self.note(await self.api.replace(self.seat.path, self.lease_with(**changes)))
        self.renewed_at = began

    # The Lease

    @property
    def is_free(self) -> bool:
        """Whether it is nobody's, ours, or has not been renewed for its whole duration."""
        spec = spec_of(self.lease)
        if spec.get("holderIdentity") in (None, "", self.seat.holder):
            return True
        duration = min(spec.get("leaseDurationSeconds") or LEASE_SECONDS, LONGEST_LEASE)
        return self.pace.now() - self.changed_at >= duration

    def note(self, lease: Lease) -> None:
        """Know the Lease; its time begins anew if somebody has renewed it."""
        if spec_of(lease) != spec_of(self.lease):
            self.changed_at = self.pace.now()
        self.lease = lease

    def claims(self, transitions: int) -> dict[str, Any]:
        """The spec of a Lease that begins to be ours."""
        now = micro_time(self.wall())
        return {
            "holderIdentity": self.seat.holder,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def lease_with(self, **changes: Any) -> dict[str, Any]:
        """The Lease as it is known, its resourceVersion included, with changes of its spec."""
        return {**self.lease, "spec": {**spec_of(self.lease), **changes}}


def spec_of(lease: Lease) -> Mapping[str, Any]:
    """The spec; empty if there is none."""
    return lease.get("spec") or {}


def micro_time(seconds: float) -> str:
    """Seconds since the epoch as Leases write them: `2026-01-02T03:04:05.000000Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
