"""failurePolicy Fail: without the webhook nothing is admitted unjudged, and nothing else is held up."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from objects import a_policy, a_workload, change, collection_of, look_up, path_of, said, send, stored
from plane import ControlPlane
from webhooks import DirectoryWebhook

Enforce = Callable[..., None]
Object = dict[str, Any]

BACK_SECONDS = 1


@pytest.fixture
def existing(
    plane: ControlPlane, enforce: Enforce, project: str, webhook_on_directory: DirectoryWebhook
) -> Iterator[Object]:
    """A workload that was stored before the webhook fails; the webhook is back when the test ends."""
    enforce(a_policy(project, gpu={"rules": {"max": "5"}, "value": "1"}))
    raw = a_workload(project)
    said(send(plane, "create", raw))
    yield stored(plane, raw)
    if not webhook_on_directory.daemon.runs:
        webhook_on_directory.start()


def test_refused_while_the_webhook_is_gone(
    plane: ControlPlane, existing: Object, webhook_on_directory: DirectoryWebhook
) -> None:
    webhook_on_directory.daemon.stop(patience=0)
    url = webhook_on_directory.url
    namespace = existing["metadata"]["namespace"]
    failure = (
        'Internal error occurred: failed calling webhook "mutate.workload-policy.run.ai": failed to call webhook: '
        f'Post "{url}/mutate?timeout=5s": dial tcp {url.removeprefix("https://")}: connect: connection refused\n'
    )
    created = send(plane, "create", a_workload(namespace, "next"))
    head = 'Error from server (InternalError): error when creating "STDIN": '
    assert (created.returncode, created.stderr) == (1, head + failure)
    labelled = change(plane, existing, "label", "a=b")
    assert (labelled.returncode, labelled.stderr) == (1, f"Error from server (InternalError): {failure}")
    policy = send(plane, "create", a_policy(namespace))
    assert policy.stderr == head + failure.replace("mutate", "validate-policy")
    assert stored(plane, existing) == existing


def test_what_goes_on_without_the_webhook(
    plane: ControlPlane, existing: Object, webhook_on_directory: DirectoryWebhook
) -> None:
    """Reading, the status, deleting, and every other kind."""
    webhook_on_directory.daemon.stop(patience=0)
    namespace = existing["metadata"]["namespace"]
    status = {"status": {"phase": "Running"}}
    merge = "application/merge-patch+json"
    assert plane.api("PATCH", f"{path_of(existing)}/status", status, content_type=merge).status == 200
    said(plane.kubectl("create", "configmap", "other", "--namespace", namespace))
    said(change(plane, existing, "delete"))
    assert look_up(plane, existing).status == 404


def test_back_within_a_second(plane: ControlPlane, existing: Object, webhook_on_directory: DirectoryWebhook) -> None:
    webhook_on_directory.daemon.stop(patience=0)
    workload = a_workload(existing["metadata"]["namespace"], "next")
    assert plane.api("POST", collection_of(workload), workload).status == 500
    webhook_on_directory.start()
    started = time.monotonic()
    created = plane.api("POST", collection_of(workload), workload)
    assert time.monotonic() - started < BACK_SECONDS
    assert (created.status, created.body["spec"]["gpu"]) == (201, {"value": "1"})


def test_a_webhook_that_hangs(plane: ControlPlane, existing: Object, webhook_on_directory: DirectoryWebhook) -> None:
    """It takes connections and says nothing: refused after the five seconds that its configuration allows."""
    following = a_workload(existing["metadata"]["namespace"], "next")
    with webhook_on_directory.daemon.stalled():
        created = send(plane, "create", following)
    assert created.stderr == (
        'Error from server (InternalError): error when creating "STDIN": Internal error occurred: '
        'failed calling webhook "mutate.workload-policy.run.ai": failed to call webhook: '
        f'Post "{webhook_on_directory.url}/mutate?timeout=5s": context deadline exceeded\n'
    )
    said(send(plane, "create", a_workload(existing["metadata"]["namespace"], "next")))
