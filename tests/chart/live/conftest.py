"""A real API server of its own for each module, a webhook beside it, and somebody who plays its nodes.

Collected only where the command line names this folder (`make cluster-test`): the programs take minutes to build.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from binaries import MissingProgramError, find_programs
from nodes import Nodes
from plane import ControlPlane
from webhooks import DirectoryWebhook

HERE = Path(__file__).parent
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FOREIGN = {
    "cert-manager.io": {"issuers": "Issuer", "certificates": "Certificate"},
    "monitoring.coreos.com": {"servicemonitors": "ServiceMonitor", "prometheusrules": "PrometheusRule"},
}


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests out unless the command line names this folder or something in it."""
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The programs; that one is being built is told at once, and that one is missing ends the run."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        try:
            return find_programs(os.environ, lambda sentence: print(sentence, file=sys.stderr, flush=True))
        except MissingProgramError as error:
            pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="module")
def plane(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane, empty but for the kinds of others that the chart can make use of."""
    plane = ControlPlane(programs, tmp_path_factory.mktemp("plane"))
    try:
        plane.start()
        for group, kinds in FOREIGN.items():
            for plural, kind in kinds.items():
                plane.api("POST", CRDS, any_crd(group, plural, kind))
        for group, kinds in FOREIGN.items():
            for plural in kinds:
                plane.kubectl("wait", "--for=condition=Established", f"crd/{plural}.{group}").check_returncode()
        plane.controllers.start()
        yield plane
    finally:
        plane.stop()


def any_crd(group: str, plural: str, kind: str) -> dict[str, object]:
    """A kind of somebody else, that takes anything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryWebhook]:
    """The webhook beside the cluster. It knows no policy."""
    webhook = DirectoryWebhook(tmp_path_factory.mktemp("webhook"))
    try:
        webhook.start()
        yield webhook
    finally:
        webhook.daemon.stop(patience=0)


@pytest.fixture(scope="module")
def nodes(plane: ControlPlane, webhook: DirectoryWebhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """What happens in a cluster of itself."""
    nodes = Nodes(plane, tmp_path_factory.mktemp("nodes"), webhook.ca_pem)
    nodes.start()
    yield nodes
    nodes.stop()
