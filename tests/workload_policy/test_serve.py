import argparse
import io
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from certs.issue import LOOPBACK, self_signed
from webhook.server import listen
from workload_policy.serve import add_serve, run_serve

QUICK = {
    "WORKLOAD_POLICY_DRAIN_SECONDS": "0.05",
    "WORKLOAD_POLICY_QUIET_SECONDS": "0.01",
    "WORKLOAD_POLICY_POLL_SECONDS": "0.02",
}
PATIENCE = 10
READY = re.compile(
    r"workload-policy: ready on https://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\), (.*)\n"
)
POLICY = """\
apiVersion: run.ai/v2alpha1
kind: TrainingPolicy
metadata: {name: p, namespace: runai-a}
spec: {gpu: {rules: {max: "5"}, value: "1"}}
"""


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workload-policy")
    add_serve(parser.add_subparsers(dest="command"))
    return parser.parse_args(["serve", *arguments])


class Stderr(io.StringIO):
    """Collects what is written, and tells when it holds something."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Condition()

    def write(self, text: str) -> int:
        with self.written:
            size = super().write(text)
            self.written.notify_all()
        return size

    def wait_for(self, holds: Callable[[str], Any]) -> Any:
        """What `holds` finds, once it finds something."""
        with self.written:
            assert self.written.wait_for(lambda: holds(self.getvalue()), PATIENCE), self.getvalue()
            return holds(self.getvalue())

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log."""
        return [json.loads(line) for line in self.getvalue().splitlines() if line.startswith("{")]


@dataclass
class Streams:
    """Where the command writes."""

    stderr: Stderr = field(default_factory=Stderr)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "policy.yaml").write_text(POLICY)
    return policies


def a_review(kind: str = "TrainingWorkload", gpu: str = "6") -> bytes:
    workload = {"metadata": {"name": "w"}, "spec": {"name": {"value": "w"}, "gpu": {"value": gpu}}}
    request = {
        "uid": "u",
        "kind": {"group": "run.ai", "version": "v2alpha1", "kind": kind},
        "operation": "CREATE",
        "namespace": "runai-a",
        "object": workload,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def post(port: int, path: str, body: bytes, context: ssl.SSLContext) -> Mapping[str, Any]:
    connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=PATIENCE)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200
    response: Mapping[str, Any] = json.load(answer)["response"]
    connection.close()
    return response


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread while the block serves in this one, then end the block with a signal."""
    failures: list[BaseException] = []

    def acting() -> None:
        try:
            act()
        except BaseException as failure:  # noqa: BLE001 - told by the test's own thread
            failures.append(failure)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    # A signal that comes before the server heeds it ends nothing.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    thread = threading.Thread(target=acting)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
    for failure in failures:
        raise failure


def test_it_serves_the_policies_of_a_directory_until_a_signal(directory: Path) -> None:
    streams = Streams()
    stderr = streams.stderr

    def act() -> None:
        port, health_port, rest = stderr.wait_for(READY.search).groups()
        assert rest == f"1 policy from {directory}"
        assert get(int(health_port), "/readyz") == (200, "ready\n")
        refusal = post(int(port), "/validate", a_review(), unverified())
        assert refusal["status"]["message"] == "gpu: must be no greater than 5\n(TrainingPolicy runai-a/p)"

        (directory / "policy.yaml").write_text(POLICY.replace('"5"', '"7"'))
        stderr.wait_for(lambda text: text.count('"in force"') == 2)
        assert post(int(port), "/validate", a_review(), unverified())["allowed"]

        (directory / "policy.yaml").write_text("{")
        stderr.wait_for(lambda text: "its last good version stays in force" in text)
        stderr.wait_for(lambda text: text.count('"in force"') == 3)
        assert not post(int(port), "/validate", a_review(gpu="8"), unverified())["allowed"]
        _status, metrics = get(int(health_port), "/metrics")
        assert 'workload_policy_policies{kind="TrainingPolicy"} 1.0' in metrics
        assert "workload_policy_source_reload_failures_total 1.0" in metrics

    arguments = parsed("--policies", str(directory), "--port", "0", "--health-port", "0")
    with meanwhile(act):
        assert run_serve(arguments, QUICK, streams) == 0
    decisions = [line["allowed"] for line in stderr.lines() if line["event"] == "decision"]
    assert decisions == [False, True, False]
    told = [line["message"] for line in stderr.lines() if line["level"] == "warning"]
    assert len(told) == 1
    assert told[0].startswith(f"{directory}/policy.yaml:")


def test_the_command_serves_a_pair_and_drains(directory: Path, tmp_path: Path) -> None:
    pair = self_signed(LOOPBACK, datetime.now(UTC), 1)
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    cert.write_bytes(pair.cert_pem)
    key.write_bytes(pair.key_pem)
    program = "import sys; from workload_policy.serve import *; sys.path.pop(0); "
    program += "parser = argparse.ArgumentParser(); add_serve(parser.add_subparsers()); "
    program += "import os; sys.exit(run_serve(parser.parse_args(), os.environ, sys))"
    ports = ["--port", "0", "--health-port", "0", "--cert", str(cert), "--key", str(key)]
    command = [sys.executable, "-c", program, "serve", "--policies", str(directory), *ports]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **QUICK}) as process:
        assert process.stderr
        ready = next(found for line in process.stderr if (found := READY.fullmatch(line)))
        context = ssl.create_default_context(cafile=str(cert))
        assert not post(int(ready[1]), "/validate", a_review(), context)["allowed"]
        request = urllib.request.Request(
            f"https://127.0.0.1:{ready[1]}/mutate", a_review(), {"Content-Type": "application/json"}
        )
        process.send_signal(signal.SIGTERM)
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
            assert answer.status == 200
        assert process.wait(PATIENCE) == 0
        assert "Traceback" not in process.stderr.read()


# What cannot be served


@pytest.fixture
def taken() -> Iterator[int]:
    with listen("127.0.0.1", 0) as listener:
        yield listener.getsockname()[1]


def write_mismatch(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    (tmp_path / "tls.crt").write_bytes(self_signed(LOOPBACK, now, 1).cert_pem)
    (tmp_path / "tls.key").write_bytes(self_signed(LOOPBACK, now, 1).key_pem)


@pytest.mark.parametrize(
    ("arguments", "environ", "sentence"),
    [
        (["--policies", "TMP/none"], {}, "TMP/none: No such file or directory"),
        (["--policies", "TMP/policies", "--cert", "c"], {}, "--cert and --key go together: give both or neither"),
        (
            ["--policies", "TMP/policies", "--cert", "TMP/c", "--key", "TMP/k"],
            {},
            "TMP/c: No such file or directory",
        ),
        (
            ["--policies", "TMP/policies", "--cert", "TMP/tls.crt", "--key", "TMP/tls.key"],
            {},
            "the certificate and the key cannot serve: the key does not belong to the certificate",
        ),
        (
            ["--policies", "TMP/policies", "--port", "TAKEN"],
            {},
            "cannot listen on 127.0.0.1:TAKEN: Address already in use",
        ),
        (
            ["--policies", "TMP/policies", "--health-port", "TAKEN"],
            {},
            "cannot listen on 127.0.0.1:TAKEN: Address already in use",
        ),
        (
            ["--policies", "TMP/policies"],
            {"WORKLOAD_POLICY_DRAIN_SECONDS": "x"},
            "WORKLOAD_POLICY_DRAIN_SECONDS: expected a number above 0, got 'x'",
        ),
    ],
    ids=["directory", "half a pair", "no pair", "mismatch", "port", "health port", "bound"],
)
def test_what_makes_it_impossible_is_a_sentence(
    directory: Path, taken: int, arguments: list[str], environ: dict[str, str], sentence: str
) -> None:
    def given(text: str) -> str:
        return text.replace("TMP", str(directory.parent)).replace("TAKEN", str(taken))

    write_mismatch(directory.parent)
    streams = Streams()
    quiet = ["--port", "0", "--health-port", "0"]
    assert run_serve(parsed(*quiet, *map(given, arguments)), environ, streams) == 2
    assert not READY.search(streams.stderr.getvalue())
    assert streams.stderr.getvalue().splitlines()[-1] == f"workload-policy: {given(sentence)}"


def test_files_that_cannot_be_read_are_each_a_line(directory: Path) -> None:
    (directory / "bad.yaml").write_text("a: [\n")
    (directory / "worse.json").write_text("{")
    streams = Streams()
    assert run_serve(parsed("--policies", str(directory)), {}, streams) == 2
    lines = streams.stderr.getvalue().splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        f"{directory}/bad.yaml",
        f"{directory}/worse.json",
    ]


# The arguments


def test_the_defaults() -> None:
    assert vars(parsed("--policies", "p")) == {
        "command": "serve",
        "policies": "p",
        "cert": None,
        "key": None,
        "host": "127.0.0.1",
        "port": 8443,
        "health_port": 8080,
        "global_namespace": "runai",
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --policies"),
        (["--policies", "p", "--port", "65536"], "argument --port: expected a port from 0 to 65535, got '65536'"),
        (["--policies", "p", "--port", "²"], "argument --port: expected a port from 0 to 65535, got '²'"),
        (
            ["--policies", "p", "--health-port", "-1"],
            "argument --health-port: expected a port from 0 to 65535, got '-1'",
        ),
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parsed(*arguments)
    assert raised.value.code == 2
    assert sentence in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    assert "workload-policy serve --policies examples/" in capsys.readouterr().out
