"""A Kubernetes control plane on loopback: etcd, the API server, some controllers; RBAC on, real tokens."""

import base64
import http.client
import json
import random
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemons import Daemon, wait_until

from certs.issue import LOOPBACK, self_signed

READY_SECONDS = 60
REQUEST_SECONDS = 60
# below the range from which a kernel takes the ports of outgoing connections: one of those could sit on ours
# just when the API server comes back to it
PORTS = range(20000, 30000)
ADMIN, CONTROLLER_MANAGER = "admin", "system:kube-controller-manager"
GROUPS = {ADMIN: "system:masters", CONTROLLER_MANAGER: ""}
CONTROLLERS = (
    *("namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller"),
    *("garbage-collector-controller", "clusterrole-aggregation-controller"),
)
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "resources": [{"group": "run.ai"}]}, {"level": "None"}],
}

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server answered."""

    status: int
    headers: Mapping[str, str]
    body: Object


class ControlPlane:
    """The processes, and the files below `folder` that they share."""

    def __init__(self, programs: Mapping[str, Path], folder: Path, more_flags: Sequence[str] = ()) -> None:
        self.programs = programs
        self.folder = folder
        self.port, etcd_port, peer_port = free_ports(3)
        self.audit_log = folder / "audit.log"
        self.tokens = {user: secrets.token_hex(16) for user in GROUPS}
        self.ca_pem = write_files(folder, self.tokens)
        self.context = ssl.create_default_context(cadata=self.ca_pem.decode())
        self.kubeconfig = self.kubeconfig_for(self.tokens[ADMIN])
        etcd_url = f"http://127.0.0.1:{etcd_port}"
        self.etcd = self.daemon("etcd", etcd_flags(folder, etcd_url, f"http://127.0.0.1:{peer_port}"))
        flags = [*api_server_flags(folder, self.port, etcd_url), f"--audit-log-path={self.audit_log}", *more_flags]
        self.api_server = self.daemon("kube-apiserver", flags)
        kubeconfig = self.kubeconfig_for(self.tokens[CONTROLLER_MANAGER])
        self.controllers = self.daemon("kube-controller-manager", controller_flags(folder, kubeconfig))

    def daemon(self, name: str, flags: Sequence[str]) -> Daemon:
        """One of the programs, not yet started."""
        return Daemon([self.programs[name], *flags], self.folder / f"{name}.log", self.environ)

    @property
    def environ(self) -> dict[str, str]:
        """What the programs see of the environment: nothing of the user's own kubectl or helm."""
        home = str(self.folder)
        path = ":".join(dict.fromkeys(str(program.parent) for program in self.programs.values()))
        return {
            "HOME": home,
            "KUBECACHEDIR": f"{home}/cache",
            "KUBECTL_APPLYSET": "true",  # pruning that server-side apply can do
            "PATH": f"{path}:/usr/bin:/bin",
            "TMPDIR": home,
        }

    # Life

    def start(self) -> None:
        """Start etcd and the API server, and wait for it. The controllers come when they are started."""
        self.etcd.start()
        self.api_server.start()
        self.await_ready()

    def await_ready(self) -> None:
        """Wait until the API server is ready."""
        wait_until(self.is_ready, f"the API server is ready ({self.api_server.log})", READY_SECONDS)

    def is_ready(self) -> bool:
        """Whether the API server says so. AssertionError if it died."""
        assert self.api_server.runs, self.api_server.log.read_text()[-2000:]
        try:
            return self.api("GET", "/readyz").status == http.client.OK
        except OSError:
            return False

    def restart_api_server(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the API server, gently or not, start it again and wait for it."""
        self.api_server.send(number)
        self.api_server.stop()
        self.api_server.start()
        self.await_ready()

    @contextmanager
    def etcd_stalled(self) -> Iterator[None]:
        """For a while etcd holds its connections and answers nothing."""
        with self.etcd.stalled():
            yield

    def stop(self) -> None:
        """Stop everything, the last started first. The logs stay; the 130 MB of etcd do not."""
        for daemon in (self.controllers, self.api_server, self.etcd):
            daemon.stop()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    # Use

    def kubectl(
        self,
        *args: str | Path,
        input: str | None = None,  # noqa: A002 - as subprocess has it
        kubeconfig: Path | None = None,
        **environ: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as the administrator or with another kubeconfig."""
        return subprocess.run(
            [self.programs["kubectl"], f"--kubeconfig={kubeconfig or self.kubeconfig}", *args],
            input=input,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=REQUEST_SECONDS,
            check=False,
        )

    def api(self, method: str, path: str, body: Object | None = None, **headers: str) -> Reply:
        """Ask the API server as the administrator: what kubectl cannot say, or a hundred times as often."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS, context=self.context)
        fields = {"authorization": f"Bearer {self.tokens[ADMIN]}", "content-type": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body and json.dumps(body), fields | given)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), as_object(response.read()))
        finally:
            connection.close()

    def token_for(self, service_account: str, namespace: str) -> str:
        """A token of a service account (TokenRequest), as its pod would have it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        reply = self.api("POST", path, request)
        assert reply.status == http.client.CREATED, reply.body
        token: str = reply.body["status"]["token"]
        return token

    def kubeconfig_for(self, token: str) -> Path:
        """A kubeconfig with this token, in a file of its own."""
        name = "plane"
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority-data": base64.b64encode(self.ca_pem).decode(),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        path = self.folder / f"kubeconfig-{secrets.token_hex(4)}"
        path.write_text(json.dumps(content))
        return path

    def audit_events(self, **wanted: str) -> list[Object]:
        """The audited requests whose object (`name`, `namespace`, `resource`, …) is the one wanted, oldest first."""
        events = [json.loads(line) for line in self.audit_log.read_text().splitlines()]
        return [event for event in events if wanted.items() <= event.get("objectRef", {}).items()]


def write_files(folder: Path, tokens: Mapping[str, str]) -> bytes:
    """What the programs read from files; returned is the certificate that clients trust."""
    for name in ("tls", "accounts"):
        pair = self_signed(LOOPBACK, datetime.now(UTC), 1)
        (folder / f"{name}.crt").write_bytes(pair.cert_pem)
        (folder / f"{name}.key").write_bytes(pair.key_pem)
    lines = [f'{token},{user},{user},"{GROUPS[user]}"\n' for user, token in tokens.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    (folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
    return (folder / "tls.crt").read_bytes()


def etcd_flags(folder: Path, url: str, peer_url: str) -> list[str]:
    """Of an etcd that need not survive the machine."""
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server_flags(folder: Path, port: int, etcd_url: str) -> list[str]:
    """Of an API server for this machine only."""
    return [
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={folder / 'tls.crt'}",
        f"--tls-private-key-file={folder / 'tls.key'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-issuer=https://127.0.0.1:{port}",
        f"--service-account-key-file={folder / 'accounts.crt'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--audit-policy-file={folder / 'audit-policy.json'}",
    ]


def controller_flags(folder: Path, kubeconfig: Path) -> list[str]:
    """Of the few controllers that the tests need."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={folder / 'tls.crt'}",
        "--use-service-account-credentials",  # each with the rights of its own, as RBAC has them
        "--leader-elect=false",
        "--secure-port=0",
    ]


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on."""
    ports = random.sample(PORTS, len(PORTS))
    return [port for port, _number in zip(filter(is_free, ports), range(count), strict=False)]


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def as_object(data: bytes) -> Object:
    """A body that may be a plain word, as that of /readyz."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"text": data.decode(errors="replace")}
