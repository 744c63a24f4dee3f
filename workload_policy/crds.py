"""The subcommand `crds`: the eight CustomResourceDefinitions as YAML, to a stream or as the chart's files."""

from pathlib import Path
from typing import TextIO

import yaml

from workloads.crds import Schema, all_crds

HEADER = "# Generated from policies/values.py by `workload-policy crds`; not to be edited.\n"


class _Plain(yaml.CSafeDumper):
    """Writes what occurs twice twice, where PyYAML would write an anchor and an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def render(crd: Schema) -> str:
    """One definition as a YAML file, its keys in the order they have."""
    return HEADER + yaml.dump(crd, Dumper=_Plain, sort_keys=False, width=110)


def print_crds(stream: TextIO) -> None:
    """Write all definitions as one stream of YAML documents, ready for `kubectl apply -f -`."""
    stream.write("---\n".join(render(crd) for crd in all_crds().values()))


def write_crds(directory: Path) -> None:
    """Write each definition to a file of its own, `run.ai_<plural>.yaml`."""
    directory.mkdir(parents=True, exist_ok=True)
    for crd in all_crds().values():
        names = crd["spec"]
        path = directory / f"{names['group']}_{names['names']['plural']}.yaml"
        path.write_text(render(crd), encoding="utf-8")
