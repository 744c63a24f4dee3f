"""Objects of the cluster as tests write them, and what kubectl says of them."""

import json
import subprocess
from typing import Any

from plane import ControlPlane, Reply

from policies.kinds import API_VERSION, POLICY_KINDS, WORKLOAD_KINDS

REFUSAL = 'admission webhook "validate.workload-policy.run.ai" denied the request: '

Object = dict[str, Any]
Finished = subprocess.CompletedProcess[str]


def a_workload(namespace: str, name: str = "job", kind: str = "Training", **spec: Any) -> Object:
    """A workload; `gpu=1` is `gpu: {value: 1}`, a mapping (or None) stands as it is."""
    bare = ("usage", "baseWorkload", "jobType")
    values = {
        key: raw if raw is None or isinstance(raw, dict) or key in bare else {"value": raw} for key, raw in spec.items()
    }
    if values.get("usage") != "Template":
        values = {"name": {"value": name}, **values}
    return {
        "apiVersion": API_VERSION,
        "kind": f"{kind}Workload",
        "metadata": {"name": name, "namespace": namespace},
        "spec": values,
    }


def a_policy(namespace: str, kind: str = "Training", name: str = "policy", **spec: Any) -> Object:
    """A policy."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": f"{kind}Policy", "metadata": metadata, "spec": spec}


def as_input(*objects: Object) -> str:
    """What `kubectl -f -` reads."""
    return "\n---\n".join(json.dumps(raw) for raw in objects)


def send(plane: ControlPlane, command: str, *objects: Object) -> Finished:
    """`kubectl <command> -f -` with these objects."""
    return plane.kubectl(*command.split(), "-f", "-", input=as_input(*objects))


def change(plane: ControlPlane, raw: Object, command: str, *args: str, **environ: str) -> Finished:
    """`kubectl <command> <resource> <name> <args>` for an object."""
    metadata = raw["metadata"]
    target = (plural_of(raw), metadata["name"], f"--namespace={metadata['namespace']}")
    return plane.kubectl(*command.split(), *target, *args, **environ)


def plural_of(raw: Object) -> str:
    """The resource of an object of ours."""
    kind = raw["kind"]
    return WORKLOAD_KINDS[kind].plural if kind in WORKLOAD_KINDS else POLICY_KINDS[kind].policy_plural


def collection_of(raw: Object) -> str:
    """The API server's path of the objects beside this one."""
    return f"/apis/{API_VERSION}/namespaces/{raw['metadata']['namespace']}/{plural_of(raw)}"


def path_of(raw: Object) -> str:
    """The API server's path of an object."""
    return f"{collection_of(raw)}/{raw['metadata']['name']}"


def look_up(plane: ControlPlane, raw: Object) -> Reply:
    """What the API server has under an object's name."""
    return plane.api("GET", path_of(raw))


def stored(plane: ControlPlane, raw: Object) -> Object:
    """The object as the API server has it. AssertionError if it has none."""
    reply = look_up(plane, raw)
    assert reply.status == 200, reply.body
    return reply.body


def refusal_in(result: Finished) -> str:
    """What the author of a refused request reads after the API server's own words, without the last line feed."""
    assert result.returncode == 1, result.stdout
    before, prefix, text = result.stderr.partition(REFUSAL)
    assert before.startswith("Error from server (Forbidden): "), result.stderr
    assert prefix, result.stderr
    return text.removesuffix("\n")


def said(result: Finished) -> str:
    """What a successful command printed, nothing on stderr. AssertionError if it failed."""
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout
