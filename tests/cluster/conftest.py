"""A real control plane, shared by the session, and a webhook of ours that it asks.

These tests need programs that are built for minutes the first time: they are collected only where the command line
names them (`make cluster-test`).
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from binaries import MissingProgramError, find_programs  # noqa: E402
from plane import ControlPlane  # noqa: E402
from webhooks import DirectoryWebhook, registered  # noqa: E402

CRDS = HERE.parents[1] / "charts" / "workload-policy" / "files" / "crds"


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


@pytest.fixture(scope="session")
def plane(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane with our CRDs."""
    plane = ControlPlane(programs, tmp_path_factory.mktemp("plane"))
    try:
        plane.start()
        plane.kubectl("create", "-f", CRDS).check_returncode()
        plane.kubectl("wait", "--for=condition=Established", "-f", CRDS).check_returncode()
        # only now: the garbage collector looks for new kinds every 30 s
        plane.controllers.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def webhook_on_directory(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryWebhook]:
    """`workload-policy serve --policies DIR`, asked by the API server."""
    webhook = DirectoryWebhook(tmp_path_factory.mktemp("webhook"))
    try:
        webhook.start()
        with registered(plane, webhook.url, webhook.ca_pem, webhook.decisions):
            yield webhook
    finally:
        webhook.daemon.stop(patience=0)


@pytest.fixture
def enforce(webhook_on_directory: DirectoryWebhook) -> Iterator[Callable[..., None]]:
    """Have these policies, and the workloads that others name as base, in force until the test ends or says others."""
    yield lambda *objects: webhook_on_directory.put("of-the-test", *objects)
    webhook_on_directory.put("of-the-test")


@pytest.fixture
def project(plane: ControlPlane) -> str:
    """A namespace that no other test knows."""
    name = f"runai-{secrets.token_hex(4)}"
    plane.kubectl("create", "namespace", name).check_returncode()
    return name
