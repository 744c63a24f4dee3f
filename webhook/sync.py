"""Policies and workloads as the API server tells of them: eight resources, each followed by a task, one Snapshot."""

import asyncio
from collections.abc import Callable, Mapping

from policies.lookup import DEFAULT_GLOBAL_NAMESPACE, Snapshot
from webhook.follow import NUDGE_SECONDS, Contact, Follower
from webhook.watched import RESOURCES, Desk

COALESCE_SECONDS = 0.005

Take = Callable[[Snapshot], None]


class Sync:
    """What is followed. `take` is called with each new Snapshot, from the first full one on."""

    def __init__(self, contact: Contact, take: Take, global_namespace: str = DEFAULT_GLOBAL_NAMESPACE) -> None:
        self.contact = contact
        self.take = take
        self.global_namespace = global_namespace
        self.desk = Desk()
        self.followers = tuple(Follower(resource, contact, self.desk) for resource in RESOURCES)

    async def run(self) -> None:
        """Follow, for good."""
        async with asyncio.TaskGroup() as tasks:
            for follower in self.followers:
                tasks.create_task(follower.run())
            tasks.create_task(self.publish())
            tasks.create_task(self.nudge())

    async def publish(self) -> None:
        """Hand out a Snapshot at once when something changes, then none for COALESCE_SECONDS."""
        while True:
            await self.desk.changed.wait()
            self.desk.changed.clear()
            if self.synced:
                self.take(self.desk.stock.snapshot(self.global_namespace))
            await self.contact.pace.sleep(COALESCE_SECONDS)

    async def nudge(self) -> None:
        """See that no watch is silent only because nothing happens."""
        while True:
            await self.contact.pace.sleep(NUDGE_SECONDS)
            for follower in self.followers:
                await follower.nudge()

    @property
    def synced(self) -> bool:
        """Whether all eight have been listed."""
        return all(follower.is_listed for follower in self.followers)

    @property
    def stale(self) -> tuple[str, ...]:
        """The resources that are silent and cannot be listed although the API server answers."""
        return tuple(follower.resource.plural for follower in self.followers if follower.is_stale)

    @property
    def is_answering(self) -> bool:
        """Whether the API server answered when it was last asked."""
        return self.contact.is_answering

    @property
    def silence(self) -> float:
        """Seconds since the API server last told something of the resource that it has been silent on longest."""
        return max(follower.silence for follower in self.followers)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many objects of each kind are known."""
        return {follower.resource.name: len(follower.watched.versions) for follower in self.followers}

    @property
    def starts(self) -> Mapping[str, tuple[int, int]]:
        """How many lists and how many watches have begun, by resource."""
        return {follower.resource.plural: (follower.lists, follower.watches) for follower in self.followers}
