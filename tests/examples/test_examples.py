"""Every example is what its expected.yaml says: by the pure line, by the command line, and through the real webhook."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from policies.lookup import Snapshot
from webhook.admit import VALIDATE, VALIDATE_POLICY, admit
from workload_policy.demo import (
    DemoError,
    Example,
    Exchange,
    Outcome,
    ask,
    blocks_of,
    differences,
    key_of,
    leave,
    read_examples,
    run_demo,
    running_webhook,
    stop,
    submit,
)
from workload_policy.demo import main as run_module
from workload_policy.main import main as command_line
from workload_policy.report import Streams
from workload_policy.reviews import CREATE_OPTIONS, USER, create_review
from workloads.locate import namespace_of, snapshot_of

ROOT = Path(__file__).parents[2]
EXAMPLES = read_examples(ROOT / "examples")
WORKLOADS = [
    pytest.param(example, raw, id=f"{example.name}-{raw['metadata']['name']}")
    for example in EXAMPLES
    for raw in example.workloads
]
BY_NAME = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def in_process(snapshot: Snapshot) -> Exchange:
    return lambda endpoint, body: admit(endpoint, body, snapshot).body


def cluster_of(*examples: Example) -> Snapshot:
    return snapshot_of(raw for example in examples for raw in (*example.policies, *example.workloads))


# The examples themselves


def test_there_is_a_tour() -> None:
    numbers = [example.name.partition("-")[0] for example in EXAMPLES]
    assert numbers == [f"{number:02}" for number in range(1, len(numbers) + 1)]
    assert len(numbers) >= 14


def test_the_readme_lists_them() -> None:
    text = (ROOT / "examples" / "README.md").read_text()
    assert [
        example.name for example in EXAMPLES if f"| [{example.name}]({example.name}/policy.yaml) | " not in text
    ] == []


@BY_NAME
def test_its_comment_says_what_and_why(example: Example) -> None:
    lines = (ROOT / "examples" / example.name / "policy.yaml").read_text().splitlines()
    comment = [line for line in lines[: lines.index("apiVersion: run.ai/v2alpha1")] if line.startswith("# ")]
    assert 2 <= len(comment) <= 4


@BY_NAME
def test_expected_names_its_workloads(example: Example) -> None:
    assert list(example.expected) == [key_of(raw) for raw in example.workloads]


def test_together_they_are_one_cluster() -> None:
    owners = {
        (raw["kind"], namespace_of(raw), raw["metadata"]["name"]): example.name
        for example in EXAMPLES
        for raw in (*example.policies, *example.workloads)
    }
    assert len(owners) == sum(len(example.policies) + len(example.workloads) for example in EXAMPLES)
    governed = Counter((raw["kind"], namespace_of(raw)) for example in EXAMPLES for raw in example.policies)
    assert [key for key, count in governed.items() if count > 1] == []


@BY_NAME
def test_its_policies_are_accepted(example: Example) -> None:
    exchange = in_process(Snapshot())
    answers = [ask(exchange, VALIDATE_POLICY, raw) for raw in example.policies]
    assert [answer.get("status", {}).get("message") for answer in answers] == [None] * len(answers)


# Verdicts


@pytest.mark.parametrize(("example", "raw"), WORKLOADS)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
def test_the_pure_line(example: Example, raw: dict[str, object], alone: bool) -> None:
    snapshot = cluster_of(example) if alone else cluster_of(*EXAMPLES)
    outcome = submit(in_process(snapshot), raw)
    assert list(differences(outcome, example.expected[key_of(raw)])) == []


def test_a_refusal_names_the_policy_and_whom_to_ask() -> None:
    example = EXAMPLES[0]
    assert submit(in_process(cluster_of(example)), example.workloads[1]).told == (
        "gpu: must be no greater than 5",
        "(InteractivePolicy runai-team-a/gpu-ceiling)",
        "More than 5 GPUs? Ask in #gpu-help.",
    )


@BY_NAME
def test_the_command_line(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "examples" / example.name
    arguments = ["check", "-f", str(folder / "workload.yaml"), "--policies", str(folder / "policy.yaml"), "-o", "json"]
    status = command_line(arguments)
    report = json.loads(capsys.readouterr().out)
    outcomes = {f"{result['namespace']}/{result['name']}": outcome_of(result) for result in report["results"]}
    found = {key: list(differences(outcome, example.expected[key])) for key, outcome in outcomes.items()}
    assert found == {key: [] for key in example.expected}
    assert status == (0 if all(outcome.allowed for outcome in outcomes.values()) else 1)


def outcome_of(result: dict[str, Any]) -> Outcome:
    """A result of `check -o json`."""
    return Outcome(
        result["policy"],
        result["allowed"],
        tuple(result["defaults"]),
        tuple(violation["message"] for violation in result["violations"]),
        tuple(result["warnings"]),
        blocks_of(result["object"]),
    )


# The demonstration


def test_make_demo() -> None:
    command = [sys.executable, "-m", "workload_policy.demo"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (shown.returncode, shown.stderr) == (0, "")
    workloads = [key_of(raw) for example in EXAMPLES for raw in example.workloads]
    assert re.findall(r"^(?:admitted|refused) +(\S+)", shown.stdout, re.MULTILINE) == workloads
    assert "  gpu: must be no greater than 5\n" in shown.stdout
    assert shown.stdout.endswith("; all as expected\n")


def demo(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run_demo(argv, os.environ, Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "workload_policy.demo.running_webhook", lambda *_: nullcontext(in_process(cluster_of(*EXAMPLES)))
    )


@pytest.mark.usefixtures("no_server")
def test_the_demo_shows_what_authors_read() -> None:
    status, shown, _ = demo("--examples", str(ROOT / "examples"), "12-warn-first", "02-default-gpu")
    assert status == 0
    assert (
        shown
        == """\
VERDICT   WORKLOAD                   POLICY THAT APPLIED        FILLED IN

02-default-gpu  A default: a workload that names no GPU gets one.
admitted  runai-team-b/says-nothing  runai-team-b/one-gpu       gpu
admitted  runai-team-b/half-a-gpu    runai-team-b/one-gpu       -
admitted  runai-team-b/by-memory     runai-team-b/one-gpu       -

12-warn-first  A new rule that only warns, for now.
admitted  runai-astro/light-curves   runai-astro/memory-please  nodePools
            Warning: memory: is required
            Warning: (TrainingPolicy runai-astro/memory-please)
            Warning: Enforced from 1 March. Questions: #platform.
admitted  runai-astro/exposures      runai-astro/memory-please  nodePools

2 examples, 5 workloads: 5 admitted, 0 refused; all as expected
"""
    )


@pytest.mark.usefixtures("no_server")
def test_the_demo_fails_when_a_verdict_is_not_as_expected(tmp_path: Path) -> None:
    folder = tmp_path / "01-maximum-gpus"
    shutil.copytree(ROOT / "examples" / folder.name, folder)
    expected = (folder / "expected.yaml").read_text()
    spoilt = expected.replace("than 5", "than 4").replace("five-gpus", "other").replace("gpuDevices", "gpu")
    (folder / "expected.yaml").write_text(spoilt)
    status, shown, _ = demo("--examples", str(tmp_path))
    assert status == 1
    assert [line.strip() for line in shown.splitlines() if "NOT" in line] == [
        "NOT AS EXPECTED: not in expected.yaml",
        'NOT AS EXPECTED: lines: expected ["gpu: must be no greater than 4"], got ["gpu: must be no greater than 5"]',
        'NOT AS EXPECTED: lines: expected ["gpu: must be no greater than 4"], got ["gpuDevices: must be no greater than 5"]',  # noqa: E501
        "1 example, 3 workloads: 1 admitted, 2 refused; 3 NOT as expected",
    ]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["99-nothing"], "demo: no example is named 99-nothing; there are 01-maximum-gpus, 02-default-gpu, "),
        (["--examples", "/nowhere"], "demo: /nowhere: no examples here\n"),
    ],
)
def test_the_demo_says_why_there_is_nothing_to_show(
    argv: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    status, shown, complaint = demo(*argv)
    assert (status, shown, complaint[: len(said)]) == (2, "", said)


def test_an_unreadable_example_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "01-maximum-gpus"
    shutil.copytree(ROOT / "examples" / folder.name, folder)
    (folder / "workload.yaml").write_text("spec: }")
    status, _, complaint = demo("--examples", str(tmp_path))
    assert status == 2
    assert complaint.startswith(f"demo: {folder}/workload.yaml:1:")


def test_a_webhook_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("spec: }")
    with pytest.raises(DemoError) as told, running_webhook(tmp_path, os.environ):
        pytest.fail("it started")
    says = f"the webhook did not start; it says:\nworkload-policy: {tmp_path}/broken.yaml:1:"
    assert str(told.value)[: len(says)] == says


def test_an_http_error_is_told() -> None:
    with running_webhook(ROOT / "examples", os.environ) as exchange, pytest.raises(DemoError) as told:
        exchange("mutate", b"{}")
    assert str(told.value).startswith("/mutate: HTTP 400: the body is not an AdmissionReview: ")


def test_a_webhook_that_does_not_stop_is_killed() -> None:
    command = [
        sys.executable,
        "-c",
        "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"\n"
        stop(server, seconds=0.1)
    assert server.returncode == -signal.SIGKILL


@pytest.mark.usefixtures("no_server")
def test_the_module_runs_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo", "15-memory-bounds"])
    assert run_module() == 0
    assert "1 example, 4 workloads: 2 admitted, 2 refused; all as expected\n" in capsys.readouterr().out


def test_the_module_says_that_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("workload_policy.demo.run_demo", lambda *_: leave(signal.SIGTERM, None))
    assert run_module() == 130


def test_an_answer_to_another_request_is_noticed() -> None:
    answer = json.dumps({"response": {"uid": "other", "allowed": True}}).encode()
    with pytest.raises(DemoError, match="/validate: the answer is to another request"):
        ask(lambda _endpoint, _body: answer, VALIDATE, EXAMPLES[0].workloads[0])


# What the webhook is sent


def test_a_review_is_as_an_api_server_sends_it() -> None:
    raw = EXAMPLES[0].workloads[0]
    kind = {"group": "run.ai", "version": "v2alpha1", "kind": "InteractiveWorkload"}
    resource = {"group": "run.ai", "version": "v2alpha1", "resource": "interactiveworkloads"}
    assert create_review(raw, "7f0b2891-916f-4ed6-b7cd-27bff1815a8c", dry_run=True) == {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "7f0b2891-916f-4ed6-b7cd-27bff1815a8c",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "five-gpus",
            "namespace": "runai-team-a",
            "operation": "CREATE",
            "userInfo": USER,
            "object": raw,
            "oldObject": None,
            "dryRun": True,
            "options": CREATE_OPTIONS,
        },
    }


# The webhook ends with the demonstration

HOLD = """
from pathlib import Path
from workload_policy import demo

def hold(*_):
    print("up", flush=True)
    demo.time.sleep(60)

demo.judge_examples = hold
demo.sys.exit(demo.main())
"""


KILLED = pytest.param(
    signal.SIGKILL, -9, marks=pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv (util-linux)")
)


@pytest.mark.parametrize(("ending", "status"), [(signal.SIGTERM, 130), KILLED], ids=["told", "killed"])
def test_the_webhook_ends_with_the_demo(ending: signal.Signals, status: int, tmp_path: Path) -> None:
    command, environ = [sys.executable, "-c", HOLD], {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environ) as shown:
        assert shown.stdout
        assert shown.stdout.readline() == "up\n"
        (webhook,) = children_of(shown.pid)
        shown.send_signal(ending)
        assert shown.wait(10) == status
    assert has_gone(webhook)


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def has_gone(process: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False
