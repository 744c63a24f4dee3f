from typing import Any

import pytest

HEAD = "---\napiVersion: run.ai/v2alpha1\n"
TRAINING = (
    HEAD
    + """\
kind: TrainingPolicy
metadata: {name: p, namespace: runai-a}
spec:
  enforcement: Warn
  message: "Ask in #gpu-help"
  cpu: {rules: {defaultFrom: {field: gpu, factor: 2}, min: 1, canEdit: false}}
  gpu: {rules: {required: true, min: "1", max: "4"}, value: "1"}
  hostIpc: {rules: {canEdit: false}}
  hostNetwork: {rules: {blocked: true}}
  image: {rules: {matches: ["registry.example.com/*"], options: null}}
  memory: {rules: {defaultFrom: {field: cpu}}}
  ports:
    rules: {canAdd: false}
    itemRules: {container: {min: 30000, max: 32767}, external: {defaultFrom: {field: container, factor: 1}}}
    items:
      http: {rules: {canEdit: false, canRemove: false}, value: {container: 30100}}
      "a b": {}
      DEFAULTS: {value: {serviceType: ClusterIP}}
  labels: {rules: {required: true}, itemRules: {value: {options: [{value: a}]}}, items: {team: {value: a}}}
  environment:
    itemRules: {value: {options: [{value: hush}], matches: [hush*], required: true}}
    items: {TOKEN: {value: hush}}
  gitSync: {items: {repo: {value: {repository: r, path: /r, username: u, password: hush}}}}
  totalGpu: {rules: {max: 8}}
"""
)
INTERACTIVE = (
    HEAD
    + """\
kind: InteractivePolicy
metadata: {name: wide, namespace: runai}
spec: {ports: {rules: {canAdd: false}}, gpu: {}}
"""
)
DISTRIBUTED = (
    HEAD
    + """\
kind: DistributedPolicy
metadata: {name: d, namespace: runai-a}
spec: {gpu: {rules: {max: 4}, value: 1}}
masterSpec: {gpu: {rules: {blocked: true}}, ports: {itemRules: {container: {min: 1}}}}
"""
)
BROKEN = (
    HEAD
    + """\
kind: InferencePolicy
metadata: {name: b, namespace: runai-a}
spec:
  gpu: {rules: {max: lots, canEdit: false}, value: lots}
  cpu: 5
  ports: {rules: {canAdd: maybe}, itemRules: 5, items: {a: 5}}
  environment: {rules: {min: 1}, itemRules: {value: {options: hush, matches: [5]}}}
"""
)
FREE = "values that are not listed are free\n"

TABLES: dict[str, tuple[str, str]] = {
    "TrainingWorkload -n runai-a": (
        TRAINING,
        """\
TrainingWorkload in runai-a: TrainingPolicy runai-a/p applies (the namespace's own)
enforcement: Warn
message: Ask in #gpu-help

VALUE                DEFAULT                                                      RULES                                        FROM
cpu                  2 x gpu                                                      cannot be changed; no less than 1            spec.cpu
environment.*        -                                                            required; one of: ***; match ***             spec.environment.itemRules.value
environment.TOKEN    ***                                                          -                                            spec.environment.items[TOKEN]
gitSync.repo         {repository: r, path: /r, username: u, password: ***}        -                                            spec.gitSync.items[repo]
gpu                  1                                                            required; no less than 1; no greater than 4  spec.gpu
hostIpc              -                                                            cannot be set                                spec.hostIpc
hostNetwork          -                                                            cannot be set                                spec.hostNetwork
image                -                                                            match registry.example.com/*                 spec.image
labels               -                                                            required                                     spec.labels.rules
labels.*             -                                                            one of: a                                    spec.labels.itemRules.value
labels.team          a                                                            -                                            spec.labels.items[team]
memory               1 x cpu                                                      -                                            spec.memory
ports                -                                                            no labels but "a b", http                    spec.ports.rules
ports.*.container    -                                                            no less than 30000; no greater than 32767    spec.ports.itemRules.container
ports.*.external     1 x container                                                -                                            spec.ports.itemRules.external
ports.*.serviceType  ClusterIP                                                    -                                            spec.ports.items[DEFAULTS].value.serviceType
ports["a b"]         -                                                            -                                            spec.ports.items["a b"]
ports.http           {container: 30100, external: 30100, serviceType: ClusterIP}  cannot be changed; cannot be removed         spec.ports.items[http]
totalGpu             -                                                            no greater than 8                            spec.totalGpu

values that are not listed are free
""",  # noqa: E501 - a table
    ),
    "iw -n runai-a": (
        INTERACTIVE,
        """\
InteractiveWorkload in runai-a: InteractivePolicy runai/wide applies (the global one, since runai-a has no InteractivePolicy of its own)

VALUE  DEFAULT  RULES      FROM
gpu    -        -          spec.gpu
ports  -        no labels  spec.ports.rules

values that are not listed are free
""",  # noqa: E501 - a table
    ),
    "interactivepolicies -n runai": (
        INTERACTIVE.replace("ports: {rules: {canAdd: false}}, gpu: {}", ""),
        """\
InteractiveWorkload in runai: InteractivePolicy runai/wide applies (the global one)

all values are free
""",
    ),
    "DistributedPolicy -n runai-a": (
        DISTRIBUTED,
        """\
DistributedWorkload in runai-a: DistributedPolicy runai-a/d applies (the namespace's own)

VALUE                         DEFAULT  RULES              FROM
gpu                           1        no greater than 4  spec.gpu
masterSpec.gpu                -        cannot be set      masterSpec.gpu
masterSpec.ports.*.container  -        no less than 1     masterSpec.ports.itemRules.container

values that are not listed are free
""",
    ),
    "distributedworkloads.run.ai -n runai-a": (
        DISTRIBUTED.partition("masterSpec")[0],
        """\
DistributedWorkload in runai-a: DistributedPolicy runai-a/d applies (the namespace's own)

VALUE  DEFAULT  RULES              FROM
gpu    1        no greater than 4  spec.gpu

masterSpec: the rules of spec are asked there too; it is not filled, and nothing is required of it
values that are not listed are free
""",
    ),
    "TRAININGPOLICIES.v2alpha1.run.ai": (
        TRAINING,
        """\
TrainingWorkload in default: no policy applies (there is no TrainingPolicy in default or runai)

all values are free
""",
    ),
    "tw -n runai-a --global-namespace runai-a": (
        INTERACTIVE,
        """\
TrainingWorkload in runai-a: no policy applies (there is no TrainingPolicy in runai-a)

all values are free
""",
    ),
}


@pytest.mark.parametrize(("question", "answer"), TABLES.items(), ids=TABLES)
def test_the_table(command: Any, question: str, answer: tuple[str, str]) -> None:
    policy, table = answer
    found = command(f"effective --policies p.yaml --kind {question}", {"p.yaml": policy})
    assert (found.status, found.out, found.err) == (0, table, "")


def test_a_policy_that_cannot_be_read(command: Any) -> None:
    found = command("effective --policies p.yaml --kind infw -n runai-a", {"p.yaml": BROKEN})
    assert found.out == (
        """\
InferenceWorkload in runai-a: InferencePolicy runai-a/b applies (the namespace's own)

VALUE          DEFAULT  RULES                                                                                                                    FROM
cpu            -        cannot be checked: the policy's cpu is not an object                                                                     spec.cpu
environment.*  -        cannot be checked: the policy's options is not a list; cannot be checked: the policy's matches is not text               spec.environment.itemRules.value
gpu            -        cannot be checked: the policy's max is not a number; cannot be checked: the policy's value is not a number               spec.gpu
ports          -        cannot be checked: the policy's canAdd is not true or false; cannot be checked: the policy's itemRules is not an object  spec.ports.rules
ports.a        -        cannot be checked: the policy's item is not an object                                                                    spec.ports.items[a]

values that are not listed are free
"""  # noqa: E501 - a table
    )
    assert (
        found.err
        == """\
workload-policy: warning: p.yaml:2: InferencePolicy runai-a/b would be refused, and governs here all the same:
          spec.cpu: must be an object, not a number: put it under "value"
          spec.environment.itemRules.value.options: must be a list, not text
          spec.environment.itemRules.value.matches[0]: must be text, not a number: write it in quotes
          spec.ports.rules.canAdd: must be true or false, not text
          spec.ports.itemRules: must be an object, not a number
          spec.ports.items[a]: must be an object, not a number: put it under "value"
          spec.environment.rules.min: a map has no min
          spec.gpu.rules.max: must be a number such as 2 or "0.5"
          spec.gpu.value: must be a number such as 2 or "0.5"
"""
    )
    assert "hush" not in found.out + command("effective --policies p.yaml --kind infw -n runai-a -o json").out


def test_a_spec_that_cannot_be_read(command: Any) -> None:
    policy = BROKEN.partition("spec:")[0] + "spec: 5\n"
    found = command("effective --policies p.yaml --kind infw -n runai-a", {"p.yaml": policy})
    assert found.out.splitlines()[3] == "spec   -        cannot be checked: the policy's spec is not an object  spec"


def test_the_report_for_machines(command: Any) -> None:
    found = command(
        "effective --policies p.yaml --kind DistributedWorkload -n runai-a -o json", {"p.yaml": DISTRIBUTED}
    )
    nothing = {"default": None, "computed": None, "rules": {}, "says": [], "origin": []}
    assert found.report == {
        "kind": "DistributedWorkload",
        "namespace": "runai-a",
        "policy": "runai-a/d",
        "scope": "project",
        "reason": "the namespace's own",
        "enforcement": "Enforce",
        "policyMessage": None,
        "values": [
            nothing
            | {
                "value": "gpu",
                "default": "1",
                "rules": {"max": 4},
                "says": ["no greater than 4"],
                "origin": ["spec.gpu"],
            },
            nothing
            | {
                "value": "masterSpec.gpu",
                "rules": {"blocked": True},
                "says": ["cannot be set"],
                "origin": ["masterSpec.gpu"],
            },
            nothing
            | {
                "value": "masterSpec.ports.*.container",
                "rules": {"min": 1},
                "says": ["no less than 1"],
                "origin": ["masterSpec.ports.itemRules.container"],
            },
        ],
        "notes": ["values that are not listed are free"],
    }


def test_no_policy_for_machines(command: Any) -> None:
    found = command("effective --policies p.yaml --kind tw -n runai-b -o json", {"p.yaml": TRAINING})
    assert found.report == {
        "kind": "TrainingWorkload",
        "namespace": "runai-b",
        "policy": None,
        "scope": None,
        "reason": "there is no TrainingPolicy in runai-b or runai",
        "enforcement": None,
        "policyMessage": None,
        "values": [],
        "notes": ["all values are free"],
    }


MACHINE_VALUES = {
    "cpu": {
        "computed": "2 x gpu",
        "rules": {"defaultFrom": {"field": "gpu", "factor": 2}, "min": 1, "canEdit": False},
        "says": ["cannot be changed", "no less than 1"],
        "origin": ["spec.cpu"],
    },
    "environment.*": {
        "rules": {"options": [{"value": "***"}], "matches": ["***"], "required": True},
        "says": ["required", "one of: ***", "match ***"],
        "origin": ["spec.environment.itemRules.value"],
    },
    "environment.TOKEN": {"default": "***", "origin": ["spec.environment.items[TOKEN]"]},
    "gitSync.repo": {
        "default": {"repository": "r", "path": "/r", "username": "u", "password": "***"},
        "origin": ["spec.gitSync.items[repo]"],
    },
    "image": {
        "rules": {"matches": ["registry.example.com/*"]},
        "says": ["match registry.example.com/*"],
        "origin": ["spec.image"],
    },
    "ports.http": {
        "default": {"container": 30100, "external": 30100, "serviceType": "ClusterIP"},
        "rules": {"canEdit": False, "canRemove": False},
        "says": ["cannot be changed", "cannot be removed"],
        "origin": ["spec.ports.items[http]"],
    },
}


@pytest.mark.parametrize(("value", "expected"), MACHINE_VALUES.items(), ids=MACHINE_VALUES)
def test_a_value_for_machines(command: Any, value: str, expected: dict[str, Any]) -> None:
    found = command("effective --policies p.yaml --kind tw -n runai-a -o json", {"p.yaml": TRAINING})
    (row,) = (row for row in found.report["values"] if row["value"] == value)
    assert row == {"value": value, "default": None, "computed": None, "rules": {}, "says": [], **expected}
    assert "hush" not in found.out


def test_a_policy_that_names_no_namespace_is_of_the_one_asked_for(command: Any) -> None:
    policy = TRAINING.replace(", namespace: runai-a", "")
    found = command("effective --policies p.yaml --kind tw -n runai-c -o json", {"p.yaml": policy})
    assert found.report["policy"] == "runai-c/p"


UNUSABLE = {
    "--policies p.yaml --kind TrainingWorklod": "--kind: no kind 'TrainingWorklod', did you mean TrainingWorkload?",
    "--policies p.yaml --kind zz": (
        "--kind: no kind 'zz', only InteractiveWorkload, InteractivePolicy, TrainingWorkload, TrainingPolicy, "
        "DistributedWorkload, DistributedPolicy, InferenceWorkload, InferencePolicy"
    ),
    "--policies gone.yaml --kind tw": "gone.yaml: cannot be read: no such file or directory",
}


@pytest.mark.parametrize(("options", "sentence"), UNUSABLE.items(), ids=UNUSABLE)
def test_what_makes_no_sense_is_said(command: Any, options: str, sentence: str) -> None:
    found = command(f"effective {options}", {"p.yaml": TRAINING})
    assert (found.status, found.err) == (2, f"workload-policy: {sentence}\n")
