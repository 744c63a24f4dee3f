"""The Dockerfile, as far as it can be read: no daemon is needed. What it runs by hash is what the developers run."""

import re
import subprocess

from rendering import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"(?m)^FROM ", DOCKERFILE)[1:]
HASHED = re.compile(r"(?m)^([a-z0-9-]+==[^ ]+).*\\\n((?:    --hash=.*\n)+)")

Requirement = tuple[str, str]


def locked(name: str) -> set[Requirement]:
    """The requirements of a lock, each with its hashes."""
    return set(HASHED.findall((ROOT / name).read_text()))


def test_the_image_runs_what_the_developers_run() -> None:
    runtime, developers = locked("requirements-runtime.txt"), locked("requirements.txt")
    assert runtime < developers, "run `make lock`"
    names = {requirement.partition("==")[0] for requirement, _hashes in runtime}
    assert names >= {"starlette", "uvloop", "cryptography"}
    assert names & {"pytest", "ruff", "mypy", "setuptools", "hypothesis"} == set()


def test_the_base_is_pinned_and_the_last_stage_has_no_build_tools() -> None:
    base = "python:${PYTHON_TAG}${PYTHON_DIGEST:+@}${PYTHON_DIGEST}"
    assert re.search(r"(?m)^ARG PYTHON_TAG=3\.11\.\d+-slim-bookworm$", DOCKERFILE)
    assert [stage.splitlines()[0] for stage in STAGES] == [f"{base} AS build", base]
    assert "pip uninstall --yes --root-user-action=ignore pip setuptools wheel" in STAGES[1]
    assert "install" not in STAGES[1].replace("uninstall", "")


def test_it_runs_as_nobody_in_particular() -> None:
    assert "\nUSER 65532:65532\n" in STAGES[1]
    assert 'ENTRYPOINT ["workload-policy"]' in STAGES[1]


def test_the_wheel_is_built_by_what_the_lock_names() -> None:
    [command] = re.findall(r"sed -n '([^']*)' requirements\.txt > requirements-build\.txt", DOCKERFILE)
    lines = subprocess.run(
        ["sed", "-n", command, ROOT / "requirements.txt"], capture_output=True, text=True, check=True
    ).stdout
    [found] = HASHED.findall(lines)
    assert found[0].startswith("setuptools==")
    assert found in locked("requirements.txt")


def test_the_context_holds_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {word for line in re.findall(r"(?m)^COPY (?!--)(.*) \S+$", DOCKERFILE) for word in line.split()}
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
