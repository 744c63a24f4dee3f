"""A webhook of ours beside the control plane, and its registration there."""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from daemons import Daemon, wait_until
from plane import ControlPlane, free_ports

from certs.issue import LOOPBACK, self_signed
from policies.kinds import API_VERSION, GROUP, INTERACTIVE, KINDS, VERSION

COMMAND = Path(sys.executable).with_name("workload-policy")
# quicker than for people: a change of the directory is seen at once, and nothing else talks to this webhook
BOUNDS = {"WORKLOAD_POLICY_POLL_SECONDS": "0.05", "WORKLOAD_POLICY_DRAIN_SECONDS": "0.1"}
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"
SUFFIX = "workload-policy.run.ai"

Object = dict[str, Any]


class DirectoryWebhook:
    """`workload-policy serve` with a directory of policies that tests fill, always on the same port."""

    def __init__(self, folder: Path) -> None:
        self.policies = folder / "policies"
        self.policies.mkdir()
        pair = self_signed(LOOPBACK, datetime.now(UTC), 1)
        (folder / "tls.crt").write_bytes(pair.cert_pem)
        (folder / "tls.key").write_bytes(pair.key_pem)
        self.ca_pem = pair.cert_pem
        port, health_port = free_ports(2)
        self.url = f"https://127.0.0.1:{port}"
        files = [f"--policies={self.policies}", f"--cert={folder / 'tls.crt'}", f"--key={folder / 'tls.key'}"]
        ports = [f"--port={port}", f"--health-port={health_port}"]
        self.daemon = Daemon([COMMAND, "serve", *files, *ports], folder / "webhook.log", {**os.environ, **BOUNDS})

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.after("workload-policy: ready on "):
            self.daemon.start()

    def put(self, name: str, *objects: Object) -> None:
        """Have these objects in the directory, in a file of this name, and wait until they are in force."""
        draft = self.policies / f"{name}.draft"
        draft.write_text(yaml.safe_dump_all(objects))
        with self.after('"in force"'):
            draft.replace(self.policies / f"{name}.yaml")

    def drop(self, name: str) -> None:
        """Remove a file of the directory, and wait until its policies are no longer in force."""
        with self.after('"in force"'):
            (self.policies / f"{name}.yaml").unlink()

    @contextmanager
    def after(self, words: str) -> Iterator[None]:
        """Do something, and wait until the webhook's log has said a thing after it."""
        offset = self.daemon.log.stat().st_size if self.daemon.log.exists() else 0
        yield
        wait_until(lambda: self.daemon.said(words, offset), f"the webhook says {words} ({self.daemon.log})")

    def decisions(self) -> list[Object]:
        """What its log says of every decision so far."""
        lines = self.daemon.log.read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in events if event["event"] == "decision"]


def configurations(url: str, ca_pem: bytes) -> list[tuple[str, Object]]:
    """What registers a webhook, as the chart does; each with its resource."""
    workloads, policies = [kind.plural for kind in KINDS], [kind.policy_plural for kind in KINDS]
    mutate = {**hook("mutate", workloads, url, ca_pem), "reinvocationPolicy": "IfNeeded"}
    validate = [hook("validate", workloads, url, ca_pem), hook("validate-policy", policies, url, ca_pem)]
    return [
        ("mutatingwebhookconfigurations", configuration("MutatingWebhookConfiguration", [mutate])),
        ("validatingwebhookconfigurations", configuration("ValidatingWebhookConfiguration", validate)),
    ]


def configuration(kind: str, hooks: list[Object]) -> Object:
    """A webhook configuration."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "workload-policy"},
        "webhooks": hooks,
    }


def hook(path: str, resources: list[str], url: str, ca_pem: bytes) -> Object:
    """One webhook."""
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
        "scope": "Namespaced",
    }
    return {
        "name": f"{path}.{SUFFIX}",
        "clientConfig": {"url": f"{url}/{path}", "caBundle": base64.b64encode(ca_pem).decode()},
        "rules": [rule],
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 5,
    }


@contextmanager
def registered(plane: ControlPlane, url: str, ca_pem: bytes, asked: Callable[[], list[Object]]) -> Iterator[None]:
    """While it is open the API server asks this webhook. `asked` are the decisions that the webhook has made."""
    made = configurations(url, ca_pem)
    for resource, raw in made:
        reply = plane.api("POST", f"{CONFIGURATIONS}/{resource}", raw)
        assert reply.status == 201, reply.body
    endpoints = {"mutate", "validate", "validate-policy"}
    wait_until(lambda: asked_of(plane, asked) == endpoints, "the API server asks the webhook")
    try:
        yield
    finally:
        for resource, raw in made:
            plane.api("DELETE", f"{CONFIGURATIONS}/{resource}/{raw['metadata']['name']}")
        wait_until(lambda: not asked_of(plane, asked), "the API server asks the webhook no longer")


def asked_of(plane: ControlPlane, asked: Callable[[], list[Object]]) -> set[str]:
    """The endpoints that are asked when a workload and a policy are about to be created."""
    before = len(asked())
    for kind, plural in (
        (INTERACTIVE.name, INTERACTIVE.plural),
        (INTERACTIVE.policy_name, INTERACTIVE.policy_plural),
    ):
        raw = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "probe"}, "spec": {}}
        plane.api("POST", f"/apis/{API_VERSION}/namespaces/default/{plural}?dryRun=All", raw)
    return {decision["endpoint"] for decision in asked()[before:]}
