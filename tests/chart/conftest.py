"""The chart, rendered by a real Helm, which is built for a minute the first time. Without one a sentence says so.

These tests are run by name (`make chart-test`); those in live/ need a whole control plane besides.
"""

from pathlib import Path

import pytest
from rendering import VALUE_SETS, MissingProgramError, Object, find_helm, render

Rendered = dict[str, list[Object]]


@pytest.fixture(scope="session", autouse=True)
def helm(request: pytest.FixtureRequest) -> Path:
    """Where Helm is; that it is being built is told at once, and that it is missing ends the run."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        try:
            return find_helm()
        except MissingProgramError as error:
            pytest.exit(f"chart-test: {error}", returncode=2)


@pytest.fixture(scope="session")
def rendered(helm: Path) -> Rendered:  # noqa: ARG001 - is there first
    return {name: render(values) for name, values in VALUE_SETS.items()}


@pytest.fixture(scope="session")
def default(rendered: Rendered) -> list[Object]:
    return rendered["default"]
