"""The hooks: when Helm runs them, and what their scripts do against an API server (here a fake one, over TLS)."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from rendering import Object, find

from certs.issue import LOOPBACK, self_signed
from certs.serving import fresh_context

TOKEN = "a-token"
REFUSAL = 'admission webhook "validate.workload-policy.run.ai" denied the request: gpu: must be a whole number'
UNREGISTERED = [
    "DELETE /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/workload-policy",
    "DELETE /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/workload-policy",
]
SUBMITTED = ["POST /apis/run.ai/v2alpha1/namespaces/workload-policy/trainingworkloads?dryRun=All"]
# what the script is, what the API server answers, how the script ends, what it says
ENDINGS: dict[str, tuple[str, int, str, int, str]] = {
    "there": ("unregister", 200, "", 0, "gone: "),
    "gone already": ("unregister", 404, "not found", 0, "gone: "),
    "forbidden": ("unregister", 403, "may not", 1, "403"),
    "refused by the webhook": ("smoke", 403, REFUSAL, 0, REFUSAL),
    "admitted": ("smoke", 201, "", 1, "a workload with 1.5 GPUs was admitted: no webhook has judged it"),
    "the webhook is down": (
        "smoke",
        500,
        "failed calling webhook",
        1,
        "expected a refusal by the webhook, got: failed",
    ),
}


@dataclass
class FakeServer:
    """An API server that gives every request one answer, and remembers them."""

    status: int
    message: str
    asked: list[str] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What http.server wants."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                authorized = self.headers["Authorization"] == f"Bearer {TOKEN}"
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                fake.asked.append(f"{self.command} {self.path}")
                body = json.dumps({"kind": "Status", "message": fake.message}).encode()
                self.send_response(fake.status if authorized else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server wants

            def log_message(self, *_args: Any) -> None:
                pass

        return Handler


@contextmanager
def serving(fake: FakeServer, directory: Path) -> Iterator[str]:
    """The address of the fake, and what a pod has in its service account's directory."""
    pair = self_signed(LOOPBACK, datetime.now(UTC), 1)
    (directory / "ca.crt").write_bytes(pair.cert_pem)
    (directory / "token").write_text(TOKEN)
    (directory / "namespace").write_text("workload-policy")
    with HTTPServer(("127.0.0.1", 0), fake.handler()) as server:
        server.socket = fresh_context(pair).wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def container(default: list[Object], script: str) -> Object:
    """The container of a hook."""
    hooks = {"unregister": ("Job", "workload-policy-unregister"), "smoke": ("Pod", "workload-policy-test")}
    spec = find(default, *hooks[script])["spec"]
    [only] = spec.get("template", {"spec": spec})["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize("name", ENDINGS)
def test_script(name: str, default: list[Object], tmp_path: Path) -> None:
    script, status, message, code, words = ENDINGS[name]
    source, server, directory = container(default, script)["args"]
    assert (server, directory) == ("kubernetes.default.svc", "/var/run/secrets/kubernetes.io/serviceaccount")
    fake = FakeServer(status, message)
    with serving(fake, tmp_path) as host:
        command = [sys.executable, "-W", "error", "-c", source, host, tmp_path]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, words in ran.stdout + ran.stderr) == (code, True), ran.stderr
    assert fake.asked == (SUBMITTED if script == "smoke" else UNREGISTERED[: 2 - code])


def annotations(objects: list[Object], event: str) -> dict[tuple[str, str], str]:
    """The weight of every hook of an event."""
    found = {(it["kind"], it["metadata"]["name"]): it["metadata"].get("annotations", {}) for it in objects}
    return {
        key: given.get("helm.sh/hook-weight", "0")
        for key, given in found.items()
        if given.get("helm.sh/hook") == event
        and given["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    }


def test_the_webhook_configurations_go_before_anything_else(default: list[Object]) -> None:
    name = "workload-policy-unregister"
    assert annotations(default, "pre-delete") == {
        ("ServiceAccount", name): "-1",
        ("ClusterRole", name): "-1",
        ("ClusterRoleBinding", name): "-1",
        ("Job", name): "0",
    }


def test_helm_test_asks_for_a_refusal(default: list[Object]) -> None:
    name = "workload-policy-test"
    assert annotations(default, "test") == {
        ("ServiceAccount", name): "-1",
        ("Role", name): "-1",
        ("RoleBinding", name): "-1",
        ("Pod", name): "0",
    }
