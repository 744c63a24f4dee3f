import errno
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from workload_policy import main as entry

WORKLOAD = """\
apiVersion: run.ai/v2alpha1
kind: TrainingWorkload
metadata: {name: job, namespace: runai-a}
spec: {name: {value: x}, gpu: {value: 2}}
"""
POLICY = """\
apiVersion: run.ai/v2alpha1
kind: TrainingPolicy
metadata: {name: p, namespace: runai-a}
spec: {enforcement: Warn, gpu: {rules: {max: "1"}}}
"""
FILES = {"w.yaml": WORKLOAD, "p.yaml": POLICY, "bad.yaml": POLICY.replace("max", "mix"), "no.yaml": "["}
SUBCOMMANDS = ["check", "lint", "effective", "crds", "serve"]

STATUSES = {
    "check -f w.yaml": 0,
    "check -f w.yaml --policies p.yaml": 0,
    "check -f w.yaml bad.yaml p.yaml": 0,
    "check --filename w.yaml -f no.yaml": 2,
    "check -f w.yaml --policies no.yaml gone.yaml": 2,
    "lint p.yaml": 0,
    "lint bad.yaml": 1,
    "lint bad.yaml no.yaml": 2,
    "effective --kind tw --policies p.yaml": 0,
    "effective --kind tx --policies p.yaml": 2,
    "effective --kind tw --policies no.yaml": 2,
    "crds tw": 0,
    "crds nothing": 2,
    "serve --policies gone": 2,
}


@pytest.mark.parametrize(("line", "status"), STATUSES.items(), ids=STATUSES)
def test_exit_status(command: Any, line: str, status: int) -> None:
    assert command(line, FILES).status == status


USAGE = {
    "": "workload-policy: error: the following arguments are required: COMMAND",
    "chek": "workload-policy: error: argument COMMAND: invalid choice: 'chek' "
    "(choose from 'check', 'lint', 'effective', 'crds', 'serve')",
    "check": "workload-policy check: error: the following arguments are required: -f/--filename",
    "check -f": "workload-policy check: error: argument -f/--filename: expected at least one argument",
    "check -f w.yaml -o yaml": "workload-policy check: error: argument -o/--output: invalid choice: 'yaml' "
    "(choose from 'text', 'json')",
    "check -f w.yaml --field-validation no": "workload-policy check: error: argument --field-validation: "
    "invalid choice: 'no' (choose from 'strict', 'warn', 'ignore')",
    "check -f - --policies -": "workload-policy check: error: stdin (-) can be read only once",
    "lint - w.yaml -": "workload-policy lint: error: stdin (-) can be read only once",
    "lint": "workload-policy lint: error: the following arguments are required: PATH",
    "effective": "workload-policy effective: error: the following arguments are required: --kind, --policies",
    "serve": "workload-policy serve: error: the following arguments are required: --policies",
}


@pytest.mark.parametrize(("line", "sentence"), USAGE.items(), ids=USAGE)
def test_bad_usage(command: Any, line: str, sentence: str) -> None:
    found = command(line, FILES)
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("usage: workload-policy")
    assert found.err.splitlines()[-1] == sentence


@pytest.mark.parametrize("line", ["--help", *(f"{name} --help" for name in SUBCOMMANDS)])
def test_help_has_examples(command: Any, line: str) -> None:
    found = command(line)
    assert (found.status, found.err) == (0, "")
    examples = found.out.partition("\nexamples:\n")[2]
    assert f"  workload-policy {line.removesuffix('--help')}" in examples
    assert all(len(text) <= 120 for text in found.out.splitlines())


def test_help_lists_the_subcommands(command: Any) -> None:
    listed = [
        text.split()[0] for text in command("--help").out.splitlines() if text.startswith("    ") and text.strip()
    ]
    assert [word for word in listed if word in SUBCOMMANDS] == SUBCOMMANDS


def test_version(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"workload-policy": "1.2.3"}[name])
    assert command("--version") == (found := command("--version"))
    assert (found.status, found.out, found.err) == (0, "workload-policy 1.2.3\n", "")


def test_version_of_a_checkout(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(_name: str) -> NoReturn:
        raise sys.modules["importlib.metadata"].PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.version", not_found)
    assert command("--version").out == "workload-policy (not installed)\n"


# Colours


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


COLOURS: dict[str, tuple[dict[str, str], bool]] = {
    "a terminal": ({}, True),
    "NO_COLOR": ({"NO_COLOR": "1"}, False),
    "an empty NO_COLOR does not count": ({"NO_COLOR": ""}, True),
    "a dumb terminal": ({"TERM": "dumb"}, False),
}
COLOURED = {
    "check -f w.yaml --policies p.yaml": [
        "\x1b[32madmitted\x1b[0m  TrainingWorkload runai-a/job  (w.yaml:1)  policy runai-a/p (Warn)",
        "          \x1b[33mwarning: \x1b[0mgpu: must be no greater than 1",
    ],
    "lint bad.yaml": [
        "\x1b[31mrefused \x1b[0m  TrainingPolicy runai-a/p  (bad.yaml:1)",
        "          spec.gpu.rules.mix: unknown field",
    ],
    "effective --kind tw -n runai-a --policies p.yaml": [
        "TrainingWorkload in runai-a: TrainingPolicy runai-a/p applies (the namespace's own)",
        "enforcement: Warn",
        "",
        "\x1b[1mVALUE  DEFAULT  RULES              FROM\x1b[0m",
    ],
}


@pytest.mark.parametrize(("environ", "coloured"), COLOURS.values(), ids=COLOURS)
def test_colours_are_for_terminals(command: Any, environ: dict[str, str], coloured: bool) -> None:
    found = command("check -f w.yaml", FILES, environ=environ, stdout=Terminal())
    assert ("\x1b" in found.out) == coloured


@pytest.mark.parametrize(("line", "texts"), COLOURED.items(), ids=COLOURED)
def test_what_is_coloured(command: Any, line: str, texts: list[str]) -> None:
    plain, found = command(line, FILES), command(line, FILES, stdout=Terminal())
    assert found.out.splitlines()[: len(texts)] == texts
    assert "\x1b" not in plain.out + plain.err + found.err


def test_json_is_never_coloured(command: Any) -> None:
    found = command("check -f w.yaml -o json", FILES, stdout=Terminal())
    assert found.out == command("check -f w.yaml -o json", FILES).out


# CRDs


def test_crds_of_some_kinds(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workload_policy.show_crds.render", lambda crd: crd["metadata"]["name"] + "\n")
    found = command("crds tw TrainingPolicies trainingworkloads.run.ai")
    assert (found.status, found.out, found.err) == (0, "trainingworkloads.run.ai\n---\ntrainingpolicies.run.ai\n", "")


def test_all_crds(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workload_policy.show_crds.print_crds", lambda stream: stream.write("all\n"))
    assert command("crds").out == "all\n"
    monkeypatch.setattr("workload_policy.show_crds.write_crds", lambda directory: (directory / "crd").write_text(""))
    Path("dir").mkdir()
    found = command("crds --output-dir dir")
    assert (found.status, found.out, found.err) == (0, "", "")
    assert Path("dir/crd").exists()


def test_kinds_are_not_chosen_for_a_directory(command: Any) -> None:
    found = command("crds tw --output-dir crds")
    sentence = "workload-policy: --output-dir is for all kinds: leave out KIND, or the option\n"
    assert (found.status, found.out, found.err) == (2, "", sentence)


def test_crds_that_cannot_be_written(command: Any) -> None:
    found = command("crds --output-dir w.yaml", FILES)
    assert (found.status, found.err) == (2, "workload-policy: w.yaml cannot be written: File exists\n")


# Ends


class Broken(io.StringIO):
    """A stream on which nothing can be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error


def test_a_pipe_that_nobody_reads_is_no_trouble(command: Any) -> None:
    found = command("check -f w.yaml", FILES, stdout=Broken(BrokenPipeError()))
    assert (found.status, found.err) == (141, "")


def test_a_full_disk_is_said(command: Any) -> None:
    found = command("check -f w.yaml", FILES, stdout=Broken(OSError(errno.ENOSPC, "No space left on device")))
    assert (found.status, found.err) == (2, "workload-policy: the output cannot be written: No space left on device\n")


def test_an_interrupt_is_no_trouble(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("workload_policy.check.run_check", interrupt)
    found = command("check -f w.yaml", FILES)
    assert (found.status, found.out, found.err) == (130, "", "")


def test_the_process_gives_arguments_environment_and_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.yaml").write_text(WORKLOAD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["workload-policy", "check", "-f", "w.yaml"])
    assert entry.main() == 0
    assert capsys.readouterr().out.startswith("admitted  TrainingWorkload runai-a/job")


def test_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert entry.main(["check", "-f", "-"]) == 0


# True processes


def start(arguments: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """The command as a user starts it."""
    command = [sys.executable, "-m", "workload_policy.main", *arguments]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, **pipes, cwd=Path(__file__).parents[2], **options)


def test_a_process_reads_stdin_and_prints_what_the_locale_has() -> None:
    manifest = WORKLOAD.replace("name: job", "name: jöb").encode()
    with start(["check", "-f", "-"], env={"PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate(manifest)
    assert out.decode() == (
        "admitted  TrainingWorkload runai-a/j\\xf6b  (-:1)  no policy\n\n1 admitted, 0 refused, 0 skipped\n"
    )
    assert (process.returncode, err) == (0, b"")


def test_a_process_falls_silent_when_nobody_reads_on() -> None:
    with start(["lint", "-", "-o", "json"]) as process:
        assert process.stdout
        assert process.stdin
        assert process.stderr
        process.stdout.close()
        process.stdin.write(POLICY.encode())
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
