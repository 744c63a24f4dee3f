"""The subcommand `crds`: which definitions, and where to."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from workload_policy.crds import print_crds, render, write_crds
from workload_policy.names import UnknownKindError, find_resource
from workload_policy.report import Streams, say
from workloads.crds import all_crds

UNUSABLE = 2


def run_crds(args: Namespace, _environ: Mapping[str, str], streams: Streams) -> int:
    """Print the definitions, or write them to files: 0, or 2 if that is not what can be done."""
    try:
        names = [find_resource(word).crd_name for word in args.kinds]
    except UnknownKindError as error:
        say(streams, str(error))
        return UNUSABLE
    if names and args.output_dir:
        say(streams, "--output-dir is for all kinds: leave out KIND, or the option")
        return UNUSABLE
    if args.output_dir:
        write_crds(Path(args.output_dir))
    elif names:
        streams.stdout.write("---\n".join(render(all_crds()[name]) for name in dict.fromkeys(names)))
    else:
        print_crds(streams.stdout)
    return 0
