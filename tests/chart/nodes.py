"""Plays the nodes of a cluster that has none: Deployments become ready, Jobs and Pods run their scripts here.

And it plays what a replica does for its registration: a webhook configuration without a CA bundle gets one.
"""

import base64
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plane import ControlPlane

NAMESPACE = "workload-policy"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
CONFIGURATIONS = [
    f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations" for kind in ("mutating", "validating")
]
LOOK_SECONDS = 0.2

Object = dict[str, Any]


class Nodes:
    """A thread that looks at the cluster again and again. `ran` has what the scripts printed, by their pods' names."""

    def __init__(self, plane: ControlPlane, folder: Path, webhook_ca: bytes) -> None:
        self.plane = plane
        self.folder = folder
        self.bundle = base64.b64encode(webhook_ca).decode()
        self.ran: dict[str, str] = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def stop(self) -> None:
        """End."""
        self.stopping.set()
        self.thread.join()

    def run(self) -> None:
        """Look, until told to stop."""
        while not self.stopping.wait(LOOK_SECONDS):
            for path in CONFIGURATIONS:
                self.publish(path)
            self.roll_out()
            self.run_jobs()
            self.run_pods()

    def items(self, path: str) -> list[Object]:
        """What there is."""
        return list(self.plane.api("GET", path).body.get("items", []))

    def patch(self, path: str, body: Object) -> None:
        """Merge something into an object."""
        self.plane.api("PATCH", path, body, content_type="application/merge-patch+json")

    def publish(self, path: str) -> None:
        """Write the CA bundle where it is missing, and nothing else, as the webhook does."""
        for raw in self.items(path):
            bare = [it["name"] for it in raw["webhooks"] if "caBundle" not in it["clientConfig"]]
            if bare:
                hooks = [{"name": name, "clientConfig": {"caBundle": self.bundle}} for name in bare]
                applied = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": raw.get("kind"), "webhooks": hooks}
                applied["kind"] = f"{'Mutating' if '/mutating' in path else 'Validating'}WebhookConfiguration"
                applied["metadata"] = {"name": raw["metadata"]["name"]}
                target = f"{path}/{raw['metadata']['name']}?fieldManager=workload-policy&force=true"
                self.plane.api("PATCH", target, applied, content_type="application/apply-patch+yaml")

    def roll_out(self) -> None:
        """Have every Deployment say that its replicas are there."""
        for raw in self.items(DEPLOYMENTS):
            generation, count = raw["metadata"]["generation"], raw["spec"]["replicas"]
            if raw.get("status", {}).get("observedGeneration") != generation:
                counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
                path = f"{DEPLOYMENTS}/{raw['metadata']['name']}/status"
                self.patch(path, {"status": {"observedGeneration": generation, **counts}})

    def run_jobs(self) -> None:
        """Run the script of every Job that has not ended."""
        for raw in self.items(JOBS):
            if raw.get("status", {}).get("conditions"):
                continue
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            succeeded = self.run_script(raw["metadata"]["name"], raw["spec"]["template"]["spec"])
            words = ("SuccessCriteriaMet", "Complete") if succeeded else ("FailureTarget", "Failed")
            conditions = [{"type": word, "status": "True", "lastTransitionTime": now} for word in words]
            ended = {"completionTime": now, "succeeded": 1} if succeeded else {"failed": 1}
            status = {"startTime": now, "conditions": conditions, **ended}
            self.patch(f"{JOBS}/{raw['metadata']['name']}/status", {"status": status})

    def run_pods(self) -> None:
        """Run the script of every Pod that waits for a node."""
        for raw in self.items(PODS):
            if raw["status"].get("phase") == "Pending":
                succeeded = self.run_script(raw["metadata"]["name"], raw["spec"])
                phase = "Succeeded" if succeeded else "Failed"
                self.patch(f"{PODS}/{raw['metadata']['name']}/status", {"status": {"phase": phase}})

    def run_script(self, name: str, pod: Object) -> bool:
        """Run `python -c SCRIPT HOST DIRECTORY` with the token of the pod's ServiceAccount. Whether it succeeded."""
        [container] = pod["containers"]
        script, _host, _directory = container["args"]
        (self.folder / "ca.crt").write_bytes(self.plane.ca_pem)
        (self.folder / "token").write_text(self.plane.token_for(pod["serviceAccountName"], NAMESPACE))
        (self.folder / "namespace").write_text(NAMESPACE)
        command = [sys.executable, "-c", script, f"127.0.0.1:{self.plane.port}", self.folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        self.ran[name] = ran.stdout + ran.stderr
        return ran.returncode == 0
