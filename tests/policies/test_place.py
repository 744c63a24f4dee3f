"""Where a line points."""

from typing import NamedTuple

import pytest

from policies.kinds import MASTER_SPEC, SPEC
from policies.place import DELETED_MARKER, Place
from policies.values import CATALOGUE

VALUES = {value.name: value for value in CATALOGUE}
PORTS, LABELS, MPI_JOB = VALUES["ports"], VALUES["labels"], VALUES["mpiJob"]


class Named(NamedTuple):
    """A place in messages, in the Status, and as keys."""

    place: Place
    shown: str
    field: str
    path: tuple[str, ...]


PLACES = {
    "a block": Named(Place(SPEC), "spec", "spec", ("spec",)),
    "another block": Named(Place(MASTER_SPEC), "masterSpec", "masterSpec", ("masterSpec",)),
    "a value": Named(Place(SPEC, VALUES["gpu"]), "gpu", "spec.gpu.value", ("spec", "gpu", "value")),
    "a master's value": Named(
        Place(MASTER_SPEC, VALUES["gpu"]), "masterSpec.gpu", "masterSpec.gpu.value", ("masterSpec", "gpu", "value")
    ),
    "a bare value": Named(Place(SPEC, VALUES["usage"]), "usage", "spec.usage", ("spec", "usage")),
    "a member of an object": Named(
        Place(SPEC, MPI_JOB, None, MPI_JOB.members["slotsPerWorker"]),
        "mpiJob.slotsPerWorker",
        "spec.mpiJob.value.slotsPerWorker",
        ("spec", "mpiJob", "value"),
    ),
    "a map": Named(Place(SPEC, PORTS), "ports", "spec.ports", ("spec", "ports")),
    "an item": Named(
        Place(SPEC, PORTS, "http"), "ports.http", "spec.ports.items[http]", ("spec", "ports", "items", "http")
    ),
    "a member": Named(
        Place(SPEC, PORTS, "http", PORTS.members["container"]),
        "ports.http.container",
        "spec.ports.items[http].value.container",
        ("spec", "ports", "items", "http", "value", "container"),
    ),
    "a plain item's value": Named(
        Place(SPEC, LABELS, "team", LABELS.item),
        "labels.team",
        "spec.labels.items[team].value",
        ("spec", "labels", "items", "team", "value", "value"),
    ),
    "a label that is not plain": Named(
        Place(MASTER_SPEC, LABELS, "a b"),
        'masterSpec.labels["a b"]',
        'masterSpec.labels.items["a b"]',
        ("masterSpec", "labels", "items", "a b"),
    ),
    "a label with a slash": Named(
        Place(SPEC, LABELS, "run.ai/owner"),
        "labels[run.ai/owner]",
        "spec.labels.items[run.ai/owner]",
        ("spec", "labels", "items", "run.ai/owner"),
    ),
    "the marker": Named(
        Place(SPEC, PORTS, "http", DELETED_MARKER),
        "ports.http.deleted",
        "spec.ports.items[http].deleted",
        ("spec", "ports", "items", "http", "value", "deleted"),
    ),
}


@pytest.mark.parametrize("named", PLACES.values(), ids=PLACES)
def test_its_names(named: Named) -> None:
    place = named.place
    assert Named(place, place.shown, place.field, place.path) == named


def test_places_in_the_order_of_messages() -> None:
    container, external = PORTS.members["container"], PORTS.members["external"]
    ordered = [
        Place(SPEC),
        Place(SPEC, VALUES["active"]),
        Place(SPEC, PORTS),
        Place(SPEC, PORTS, ""),
        Place(SPEC, PORTS, "Z"),
        Place(SPEC, PORTS, "a"),
        Place(SPEC, PORTS, "a", DELETED_MARKER),
        Place(SPEC, PORTS, "a", container),
        Place(SPEC, PORTS, "a", external),
        Place(SPEC, PORTS, "b"),
        Place(SPEC, VALUES["workingDir"]),
        Place(MASTER_SPEC),
        Place(MASTER_SPEC, VALUES["active"]),
    ]
    assert sorted(ordered[1::2] + ordered[::2], key=lambda place: place.order) == ordered
