"""The API server accepts every object of the chart, whatever the values."""

from collections.abc import Callable

import pytest
from plane import ControlPlane
from rendering import API_SERVER, INSTALL, NAMESPACE, VALUE_SETS, objects_in, render_text

TEXTS: dict[str, Callable[[], str]] = {
    **{name: lambda values=values: render_text(values, "--no-hooks") for name, values in VALUE_SETS.items()},
    "crds": lambda: render_text(API_SERVER, "--no-hooks"),
    "install.yaml": INSTALL.read_text,
}


@pytest.fixture(scope="module", autouse=True)
def namespace(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", NAMESPACE).check_returncode()


@pytest.mark.parametrize("name", TEXTS)
def test_every_object_is_accepted(name: str, plane: ControlPlane) -> None:
    text = TEXTS[name]()
    ran = plane.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", input=text)
    assert (ran.returncode, ran.stderr.replace(MISSING_ANNOTATION, "")) == (0, "")
    assert ran.stdout.count("(server dry run)") == len(objects_in(text))


MISSING_ANNOTATION = (
    "Warning: resource namespaces/workload-policy is missing the kubectl.kubernetes.io/last-applied-configuration "
    "annotation which is required by kubectl apply. kubectl apply should only be used on resources created "
    "declaratively by either kubectl create --save-config or kubectl apply. "
    "The missing annotation will be patched automatically.\n"
)
