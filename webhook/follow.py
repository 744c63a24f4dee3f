"""One resource, listed and watched for good: what the API server does wrong on the way is survived here.

list -> watch -> (it ends or breaks) -> a pause -> watch on from the last resourceVersion. After a 410 and after
silence, which a dead connection cannot be told from, list again: what is known already costs little, see `watched`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from webhook.journal import Journal
from webhook.kube import ApiError, Event, GoneError, Page, SilentError
from webhook.watched import Desk, Resource, Watched, is_older
from workloads.shelf import Key

SILENCE_SECONDS = 90  # the API server sends a bookmark every minute
NUDGE_SECONDS = 20
WATCH_SECONDS = 300  # to 600, by chance: then the API server ends the watch, so that its load can move
GRACE_SECONDS = 30
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_ASKED = 0.1, 5, 60
STEADY_SECONDS = 10  # what has worked for so long begins its pauses anew
BREATH = 16  # objects that are taken in before other tasks have their turn: 2 ms


class ApiServer(Protocol):
    """What is asked of the API server."""

    def pages(self, path: str) -> AsyncGenerator[Page]: ...  # noqa: D102
    def watch(self, path: str, version: str, seconds: float, silence: float) -> AsyncGenerator[Event]: ...  # noqa: D102
    async def get(self, path: str) -> Any: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Pace:
    """Time and chance: the seconds of a clock that never goes back, a pause, a number from 0 to 1."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class Contact:
    """The API server, and whether it answered when it was last asked."""

    def __init__(self, api: ApiServer, pace: Pace, journal: Journal) -> None:
        self.api = api
        self.pace = pace
        self.journal = journal
        self.is_answering = True

    async def ask(self) -> bool:
        """Ask for the version."""
        try:
            await self.api.get("/version")
        except ApiError:
            self.note(answers=False)
        else:
            self.note(answers=True)
        return self.is_answering

    def note(self, *, answers: bool) -> None:
        """Say when it stops answering, and when it answers again."""
        if answers and not self.is_answering:
            self.journal.write("info", "sync", message="the API server answers again")
        if self.is_answering and not answers:
            message = "the API server does not answer: what was last known stays in force"
            self.journal.write("warning", "sync", message=message)
        self.is_answering = answers


class Follower:
    """Follows one resource.

    version         of the resource: where to watch on from; empty if it must be listed
    heard_at        when the API server last told something of it
    refused_since   since when it cannot be listed although the API server answers
    trouble         what was last said to be wrong
    lists, watches  how many have begun
    """

    def __init__(self, resource: Resource, contact: Contact, desk: Desk) -> None:
        self.resource = resource
        self.contact = contact
        self.pace = contact.pace
        self.desk = desk
        self.watched = Watched(resource, desk, self.tell)
        self.version = ""
        self.heard_at = self.pace.now()
        self.is_listed = self.is_listing = False
        self.refused_since: float | None = None
        self.trouble = ""
        self.lists = self.watches = self.breaths = 0

    async def run(self) -> None:
        """Follow, for good."""
        attempt = 0
        while True:
            began = self.pace.now()
            asked = await self.turn()
            attempt = 0 if self.pace.now() - began > STEADY_SECONDS else attempt + 1
            await self.pace.sleep(pause_seconds(attempt, asked, self.pace.random()))

    async def turn(self) -> float:
        """Follow as long as it goes well; the seconds that the API server asks to wait then."""
        try:
            await self.follow()
        except ApiError as error:
            if isinstance(error, (GoneError, SilentError)):
                self.version = ""
            await self.fail(str(error))
            return error.retry_after
        except Exception as error:  # noqa: BLE001 - a bug that one resource meets must not stop the others
            self.version = ""
            self.contact.journal.write_fault(error, message=f"{self.resource.plural} cannot be followed")
            await self.fail(type(error).__name__)
        return 0

    async def follow(self) -> None:
        """Watch on, if that is possible; list and watch, if it is not."""
        if self.version and self.silence <= SILENCE_SECONDS:
            with suppress(GoneError, SilentError):
                await self.watch()
                return
        await self.list_all()
        await self.watch()

    async def list_all(self) -> None:
        """Know exactly what there is."""
        version, listed = "", set[Key]()
        self.is_listing = True
        self.lists += 1
        async with aclosing(self.contact.api.pages(self.resource.path)) as pages:
            async for page in pages:
                version = page.metadata.resourceVersion
                for raw in page.items or ():
                    if key := self.watched.take_listed(raw):
                        listed.add(key)
                    await self.breathe()
        self.watched.keep_only(listed)
        self.is_listed, self.version = True, version
        self.hear()
        self.desk.changed.set()

    async def watch(self) -> None:
        """Take in every change, until the watch ends."""
        seconds = WATCH_SECONDS * (1 + self.pace.random())
        events = self.contact.api.watch(self.resource.path, self.version, seconds, SILENCE_SECONDS)
        self.is_listing = False
        self.watches += 1
        async with aclosing(events):
            async for event in events:
                self.hear()
                version = self.watched.take_event(event)
                if version and not is_older(version, self.version):
                    self.version = version
                await self.breathe()

    async def nudge(self) -> None:
        """Make the API server send bookmarks of a resource that is quiet: it does when its own cache has moved on.

        A list makes it, here of an object that cannot be. So in 1.31 and newer; in 1.30 a quiet watch ends in a list.
        """
        if self.is_listed and self.silence > NUDGE_SECONDS:
            with suppress(ApiError):
                await self.contact.api.get(f"{self.resource.path}?fieldSelector=metadata.name%3D-")

    async def breathe(self) -> None:
        """Let other tasks have their turn now and then."""
        self.breaths += 1
        if self.breaths % BREATH == 0:
            await asyncio.sleep(0)

    # How it goes

    @property
    def silence(self) -> float:
        """Seconds since the API server told something."""
        return self.pace.now() - self.heard_at

    @property
    def is_stale(self) -> bool:
        """Whether it is silent, and cannot be listed although the API server answers.

        Not at once: an API server that has just started answers /version before it serves our kinds.
        """
        refused = self.refused_since is not None and self.pace.now() - self.refused_since > GRACE_SECONDS
        return refused and self.silence > SILENCE_SECONDS

    def hear(self) -> None:
        """The API server told something."""
        self.heard_at, self.refused_since = self.pace.now(), None
        self.contact.note(answers=True)
        if self.trouble:
            self.trouble = ""
            self.contact.journal.write("info", "sync", resource=self.resource.plural, message="followed again")

    async def fail(self, sentence: str) -> None:
        """The API server does not do what it was asked."""
        self.tell(sentence)
        answers = await self.contact.ask()
        if self.is_listing:
            self.refused_since = (self.refused_since or self.pace.now()) if answers else None

    def tell(self, sentence: str) -> None:
        """A line of log, unless it was the last one."""
        if sentence != self.trouble:
            self.trouble = sentence
            self.contact.journal.write("warning", "sync", resource=self.resource.plural, message=sentence)


def pause_seconds(attempt: int, asked: float, chance: float) -> float:
    """How long to wait after so many turns that ended soon: longer each time, spread by chance."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 10))
    return max(min(asked, LONGEST_ASKED), longest * (1 + chance) / 2)
