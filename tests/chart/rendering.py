"""Renders the chart as `helm template` does. As a program it writes the files that are generated from the chart.

`make manifests` runs it to write deploy/install.yaml and golden/ anew.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from binaries import HELM, MissingProgramError, build_program, check_go, find_program
from yaml import CSafeLoader

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "workload-policy"
DEPLOY = ROOT / "deploy"
INSTALL = DEPLOY / "install.yaml"
GOLDEN = Path(__file__).parent / "golden"
NAMESPACE = "workload-policy"

Values = Mapping[str, Any]
Object = dict[str, Any]

NO_CRDS: Values = {"crds": {"install": False}}
API_SERVER: Values = {"networkPolicy": {"apiServerCIDRs": ["10.0.0.0/28", "fd00::/64"]}}
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
ISSUER = {"kind": "ClusterIssuer", "name": "internal-ca"}
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
URL = "https://policy.example.com:8443"

VALUE_SETS: dict[str, Values] = {
    "default": NO_CRDS | API_SERVER,
    "cert-manager": NO_CRDS | API_SERVER | {"certManager": {"enabled": True}},
    "outside": NO_CRDS | {"deployment": {"enabled": False}, "webhook": {"url": f"{URL}/"}},
    "everything": NO_CRDS
    | {
        "image": {"registry": "images.example.com", "digest": DIGEST, "pullPolicy": "Always"},
        "imagePullSecrets": ["pull"],
        "globalNamespace": "global",
        "exemptNamespaces": ["kube-system", "sandbox"],
        "webhook": {"failurePolicy": "Ignore", "timeoutSeconds": 10, "url": URL},
        "replicas": 3,
        "host": "::",
        "bounds": {"drainSeconds": 5, "keepAliveSeconds": 200},
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "control-plane", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"example.com/team": "platform"},
        "certManager": {"enabled": True, "issuerRef": ISSUER},
        "clientCA": {"configMap": "api-server-ca"},
        "networkPolicy": {**API_SERVER["networkPolicy"], "metricsFrom": [PEER]},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True},
    },
}


class ChartError(ValueError):
    """What Helm says of a chart that it cannot render."""


@cache
def find_helm() -> Path:
    """Helm, built where there is none. MissingProgramError if that cannot be."""
    path = find_program(HELM, os.environ)
    if path is None:
        check_go([HELM], os.environ)
        path = build_program(HELM, os.environ, lambda sentence: print(sentence, file=sys.stderr, flush=True))
    return path


def run_helm(*args: str | Path, values: Values) -> str:
    """What a command of Helm prints. ChartError if it fails."""
    command = [find_helm(), *args, "--namespace", NAMESPACE, "--values", "-"]
    ran = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise ChartError(ran.stderr)
    return ran.stdout


def render_text(values: Values, *more: str) -> str:
    """The manifests of a release of this name."""
    return run_helm("template", NAMESPACE, CHART, *more, values=values)


def objects_in(text: str) -> list[Object]:
    """The objects of some manifests."""
    return [found for found in yaml.load_all(text, CSafeLoader) if found]


def render(values: Values) -> list[Object]:
    """The objects of a release with these values."""
    return objects_in(render_text(values))


def find(objects: list[Object], kind: str, name: str = NAMESPACE) -> Object:
    """The one object of this kind and name."""
    [found] = [it for it in objects if (it["kind"], it["metadata"]["name"]) == (kind, name)]
    return found


def install_text() -> str:
    """What deploy/install.yaml has to hold: the namespace, and the chart without hooks, which only Helm knows."""
    values = yaml.load((DEPLOY / "values.yaml").read_text(), CSafeLoader)
    return (DEPLOY / "namespace.yaml").read_text() + render_text(values, "--no-hooks")


def main() -> int:
    """Write the generated files: 0; or say what is missing: 2."""
    try:
        INSTALL.write_text(install_text())
        for name, values in VALUE_SETS.items():
            (GOLDEN / f"{name}.yaml").write_text(render_text(values))
    except (MissingProgramError, ChartError) as error:
        print(f"manifests: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
