"""docs/operating.md: every command that is not marked is run, in the order of the page; its metrics are ours."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from nodes import Nodes
from plane import ControlPlane
from rendering import ROOT
from webhooks import DirectoryWebhook

PAGE = (ROOT / "docs" / "operating.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
MARK = "  # not run: "
RUN = [command for command in COMMANDS if MARK not in command]
# Helm as the page has it, but for the address of the webhook, which runs beside the cluster.
WRAPPER = """\
#!/bin/sh
case "$1" in
install | upgrade) exec {helm} "$@" --set webhook.url={url} ;;
*) exec {helm} "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def environ(
    plane: ControlPlane, webhook: DirectoryWebhook, nodes: Nodes, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What an administrator's shell has."""
    folder: Path = tmp_path_factory.mktemp("bin")
    assert nodes.thread.is_alive()
    wrapper = folder / "helm"
    wrapper.write_text(WRAPPER.format(helm=shlex.quote(str(plane.programs["helm"])), url=webhook.url))
    wrapper.chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), plane.environ["PATH"]])
    return {**plane.environ, "KUBECONFIG": str(plane.kubeconfig), "PATH": path}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are run: what the checkout has, and room for files."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("charts", "examples", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.parametrize("number", range(len(RUN)), ids=[" ".join(command.split()[:4]) for command in RUN])
def test_command(number: int, environ: dict[str, str], folder: Path) -> None:
    ran = subprocess.run(
        ["bash", "-c", RUN[number]], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, f"{RUN[number]}\n{ran.stdout}\n{ran.stderr}"


def test_most_commands_are_run() -> None:
    assert len(RUN) > 0.75 * len(COMMANDS)
