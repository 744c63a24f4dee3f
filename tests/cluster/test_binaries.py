"""Where the programs come from. Go is a script here that writes what it was asked for into a file."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import binaries
import pytest
from binaries import KUBECTL, PROGRAMS, MissingProgramError, build_folder, find_program, find_programs, version_in

NAMES = "etcd, kube-apiserver, kube-controller-manager, kubectl, helm"
LACKING = (
    f"the cluster tests lack {NAMES} (neither in KUBEBUILDER_ASSETS nor, recent enough, on PATH) "
    "and Go 1.26 or newer to build them"
)

Environ = dict[str, str]


def script(path: Path, body: str) -> None:
    """An executable."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def fake_go(environ: Environ, version: str = "go1.26.8", build: str = '/bin/sleep 0.1; echo "$7" >"$6"') -> Path:
    """A `go` on PATH; its builds leave a line each in the log that is returned."""
    log = Path(environ["HOME"]) / "builds"
    body = f'[ "$1" = env ] && {{ echo {version}; exit; }}\necho "$7" >>{log}\n{build}'
    script(Path(environ["PATH"]) / "go", body)
    return log


@pytest.fixture
def environ(tmp_path: Path) -> Environ:
    """A machine with nothing on it."""
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}


def silent(_sentence: str) -> None:
    """Nobody listens."""


def test_nothing_anywhere(environ: Environ) -> None:
    with pytest.raises(MissingProgramError) as raised:
        find_programs(environ, silent)
    assert str(raised.value) == LACKING


def test_the_command_line_says_so_and_fails(environ: Environ) -> None:
    command = [sys.executable, binaries.__file__]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"cluster-test: {LACKING}\n")


def test_a_go_that_is_too_old(environ: Environ) -> None:
    fake_go(environ, "go1.24.1")
    with pytest.raises(MissingProgramError, match=r"and Go 1\.26 or newer to build them"):
        find_programs(environ, silent)


def test_built_once_by_two_at_a_time(environ: Environ) -> None:
    log, told = fake_go(environ), list[str]()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _turn: find_programs(environ, told.append), range(2))
    assert one == other
    assert log.read_text().split() == [program.package for program in PROGRAMS]
    assert [path.read_text().strip() for path in one.values()] == [program.package for program in PROGRAMS]
    assert told == [
        f"building {program.name} {program.version} (once, minutes) into {build_folder(program, environ)}"
        for program in PROGRAMS
    ]
    assert find_programs(environ, silent) == one
    assert len(log.read_text().split()) == len(PROGRAMS)


def test_a_build_that_fails(environ: Environ) -> None:
    fake_go(environ, build="echo first >&2; echo no network >&2; exit 1")
    with pytest.raises(MissingProgramError) as raised:
        find_programs(environ, silent)
    assert str(raised.value) == "etcd could not be built by Go: no network"
    assert find_program(PROGRAMS[0], environ) is None


def test_the_cache_is_where_the_user_wants_it(environ: Environ, tmp_path: Path) -> None:
    assert build_folder(KUBECTL, environ).parent == tmp_path / ".cache/workload-policy/controlplane"
    wanted = environ | {"XDG_CACHE_HOME": str(tmp_path / "elsewhere")}
    assert build_folder(KUBECTL, wanted).parent == tmp_path / "elsewhere/workload-policy/controlplane"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("Client Version: v1.36.0", True),
        ("Client Version: v1.37.2", True),
        ("Client Version: v1.32.4-dispatcher", False),
        ("something else", False),
    ],
)
def test_on_path_only_what_is_recent(environ: Environ, said: str, taken: bool) -> None:
    path = Path(environ["PATH"]) / "kubectl"
    script(path, f"echo '{said}'")
    assert find_program(KUBECTL, environ) == (path if taken else None)


def test_assets_come_first_and_as_they_are(environ: Environ, tmp_path: Path) -> None:
    script(Path(environ["PATH"]) / "kubectl", "echo v1.36.0")
    script(tmp_path / "assets" / "kubectl", "echo v1.30.0")
    with_assets = environ | {"KUBEBUILDER_ASSETS": str(tmp_path / "assets")}
    assert find_program(KUBECTL, with_assets) == tmp_path / "assets" / "kubectl"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("etcd Version: 3.6.16\nGit SHA: Not provided", (3, 6)),
        ("Kubernetes v1.36.3", (1, 36)),
        ("v4.3.1+gdeadbee", (4, 3)),
        ("go1.26.8", (1, 26)),
        ("", ()),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert version_in(text) == version
