"""The programs of a real control plane: those at hand, else built once by Go out of controlplane/.

`python tests/cluster/binaries.py` builds what is missing and prints where every program is.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

MODULES = Path(__file__).parent / "controlplane"
OLDEST_GO = (1, 26)

Teller = Callable[[str], None]


class MissingProgramError(FileNotFoundError):
    """What the tests need and cannot get, in one sentence."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program, what it is built from, and how it tells its version.

    One found on PATH must be as new as the one we would build: the tests compare the words of kubectl and of the
    API server, and kubectl (a distribution's is often years old) fits API servers one minor version apart only.
    """

    name: str
    version: str
    module: str
    package: str
    asked: tuple[str, ...] = ("--version",)
    stamps: tuple[str, ...] = ()

    @property
    def flags(self) -> str:
        """For the linker: no symbols, and the version, which Go does not know of a dependency."""
        return " ".join(["-s -w", *(f"-X {stamp}" for stamp in self.stamps)])


def kubernetes_program(name: str, *asked: str) -> Program:
    """One of those that Kubernetes releases together."""
    base = "k8s.io/component-base/version"
    stamps = (f"{base}.gitVersion=v1.36.3", f"{base}.gitMajor=1", f"{base}.gitMinor=36")
    return Program(name, "1.36.3", "kubernetes", f"k8s.io/kubernetes/cmd/{name}", asked or ("--version",), stamps)


ETCD = Program("etcd", "3.6.16", "etcd", "go.etcd.io/etcd/server/v3")
API_SERVER = kubernetes_program("kube-apiserver")
CONTROLLER_MANAGER = kubernetes_program("kube-controller-manager")
KUBECTL = kubernetes_program("kubectl", "version", "--client")
HELM_STAMP = "helm.sh/helm/v4/internal/version.version=v4.3.1"
HELM = Program("helm", "4.3.1", "helm", "helm.sh/helm/v4/cmd/helm", ("version", "--short"), (HELM_STAMP,))
PROGRAMS = (ETCD, API_SERVER, CONTROLLER_MANAGER, KUBECTL, HELM)


def find_programs(environ: Mapping[str, str], tell: Teller) -> dict[str, Path]:
    """The path of every program by its name, built where there is none. MissingProgramError if that cannot be."""
    found = {program: find_program(program, environ) for program in PROGRAMS}
    missing = [program for program, path in found.items() if path is None]
    if missing:
        check_go(missing, environ)
    return {program.name: path or build_program(program, environ, tell) for program, path in found.items()}


def find_program(program: Program, environ: Mapping[str, str]) -> Path | None:
    """The program in KUBEBUILDER_ASSETS (taken as it is), on PATH (if recent enough), or built before."""
    if assets := environ.get("KUBEBUILDER_ASSETS"):
        path = Path(assets) / program.name
        if os.access(path, os.X_OK):
            return path
    on_path = shutil.which(program.name, path=environ.get("PATH"))
    if on_path and is_recent(program, on_path, environ):
        return Path(on_path)
    built = build_folder(program, environ) / program.name
    return built if built.exists() else None


def is_recent(program: Program, path: str, environ: Mapping[str, str]) -> bool:
    """Whether a program that somebody installed is at least of our minor version."""
    said = subprocess.run([path, *program.asked], capture_output=True, text=True, env=environ, check=False).stdout
    return version_in(said) >= version_in(program.version)


def version_in(text: str) -> tuple[int, ...]:
    """The first two parts of the first version in a text: (1, 36)."""
    version = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, version.groups())) if version else ()


def build_folder(program: Program, environ: Mapping[str, str]) -> Path:
    """Outside the checkout, another one for whatever else would come out of the build."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache")
    module = MODULES / program.module
    inputs = (module / "go.mod").read_bytes() + (module / "go.sum").read_bytes() + program.flags.encode()
    return cache / "workload-policy" / "controlplane" / f"{program.module}-{sha256(inputs).hexdigest()[:16]}"


def check_go(missing: list[Program], environ: Mapping[str, str]) -> None:
    """MissingProgramError without a Go that can build our modules."""
    if go := shutil.which("go", path=environ.get("PATH")):
        # asked inside the module: an older go with GOTOOLCHAIN=auto becomes the one that the module wants there
        asked = subprocess.run(
            [go, "env", "GOVERSION"], cwd=MODULES / "etcd", env=environ, capture_output=True, text=True, check=False
        )
        if version_in(asked.stdout) >= OLDEST_GO:
            return
    names = ", ".join(program.name for program in missing)
    raise MissingProgramError(
        f"the cluster tests lack {names} (neither in KUBEBUILDER_ASSETS nor, recent enough, on PATH) "
        "and Go 1.26 or newer to build them"
    )


def build_program(program: Program, environ: Mapping[str, str], tell: Teller) -> Path:
    """Build a program, or wait for whoever is building it, and return its path."""
    folder = build_folder(program, environ)
    folder.mkdir(parents=True, exist_ok=True)
    target, draft = folder / program.name, folder / f"{program.name}.draft"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            tell(f"building {program.name} {program.version} (once, minutes) into {folder}")
            run_go(program, draft, environ)
            draft.replace(target)
    return target


def run_go(program: Program, target: Path, environ: Mapping[str, str]) -> None:
    """Build one of the module's tools."""
    command = ["go", "build", "-trimpath", "-ldflags", program.flags, "-o", target, program.package]
    settings = {**environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    built = subprocess.run(
        command, cwd=MODULES / program.module, env=settings, capture_output=True, text=True, check=False
    )
    if built.returncode:
        reason = (built.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MissingProgramError(f"{program.name} could not be built by Go: {reason}")


def main() -> int:
    """Print the programs, a line each: 0; or what is missing: 2."""
    try:
        programs = find_programs(os.environ, lambda sentence: print(sentence, file=sys.stderr, flush=True))
    except MissingProgramError as error:
        print(f"cluster-test: {error}", file=sys.stderr)
        return 2
    for name, path in programs.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
