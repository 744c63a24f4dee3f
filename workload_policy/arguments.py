"""The command line: its subcommands, their arguments and their help."""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from workload_policy.report import NAME

FIELD_VALIDATIONS = ("strict", "warn", "ignore")
SERVE = "serve"
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: a line on it, its help, its arguments, and the function that runs it (`module:function`)."""

    summary: str
    description: str
    examples: str
    add_arguments: Callable[[ArgumentParser], None]
    run: str


def parser_for(argv: Sequence[str]) -> ArgumentParser:
    """The parser of the command line. The server's arguments are added only if it is asked for."""
    parser = ArgumentParser(
        prog=NAME, description=DESCRIPTION, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=Version, nargs=0, default=SUPPRESS, help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in argv if not word.startswith("-")), "")
    for name, command in COMMANDS.items():
        if name == chosen == SERVE:
            import_module("workload_policy.serve").add_serve(subparsers)
            continue
        subparser = subparsers.add_parser(
            name,
            help=command.summary,
            description=command.description,
            epilog=command.examples,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
    return parser


class Version(Action):
    """`--version`. The version is looked up only when asked for: that takes longer than all the rest."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        """Print it and leave."""
        metadata = import_module("importlib.metadata")
        try:
            version = metadata.version(NAME)
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        print(NAME, version)
        parser.exit()


class Paths(Action):
    """Paths to read, from every time that the option is given."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> None:
        """Take the paths. Stdin can be read but once."""
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), *(values or ())])
        lists = [given for given in vars(namespace).values() if isinstance(given, list)]
        if sum(paths.count(STDIN) for paths in lists) > 1:
            parser.error("stdin (-) can be read only once")


# Arguments


def add_check(parser: ArgumentParser) -> None:
    """The arguments of check."""
    add = parser.add_argument
    add("-f", "--filename", dest="files", metavar="PATH", nargs="+", action=Paths, required=True, help="manifests")
    add("--policies", metavar="PATH", nargs="+", action=Paths, default=[], help="what the cluster has already")
    add(
        "--field-validation",
        choices=FIELD_VALIDATIONS,
        default=FIELD_VALIDATIONS[0],
        help="unknown fields refuse, or are dropped with or without a warning (default: %(default)s)",
    )
    add_common(parser)


def add_lint(parser: ArgumentParser) -> None:
    """The arguments of lint."""
    parser.add_argument("paths", metavar="PATH", nargs="+", action=Paths, help="policies, and workloads to try them on")
    add_common(parser)


def add_effective(parser: ArgumentParser) -> None:
    """The arguments of effective."""
    add = parser.add_argument
    add("--kind", required=True, help="of the workloads: TrainingWorkload, trainingworkloads, tw, TrainingPolicy")
    add("--policies", metavar="PATH", nargs="+", action=Paths, required=True, help="what the cluster has")
    add_common(parser)


def add_common(parser: ArgumentParser) -> None:
    """The namespaces, and how to report."""
    add = parser.add_argument
    add("-n", "--namespace", metavar="NAME", help="the namespace of what names none (default: default)")
    add(
        "--global-namespace",
        metavar="NAME",
        default="runai",
        help="its policies apply where a project has none (default: %(default)s)",
    )
    add(
        "-o", "--output", choices=("text", "json"), default="text", help="for people or machines (default: %(default)s)"
    )


def add_crds(parser: ArgumentParser) -> None:
    """The arguments of crds."""
    parser.add_argument(
        "kinds", metavar="KIND", nargs="*", help="print only these: TrainingWorkload, tw, TrainingPolicy"
    )
    parser.add_argument("--output-dir", metavar="DIR", help="write all, a file for each, instead of printing them")


def add_nothing(_parser: ArgumentParser) -> None:
    """The arguments of serve, while it is not asked for."""


# Help

DESCRIPTION = "Policies for run.ai workloads: what the admission webhook would say, and the webhook itself."
EXAMPLES = """\
examples:
  workload-policy check -f job.yaml --policies policies/
      would the cluster admit it, and what would it fill in?
  workload-policy lint policies/
      would the cluster take these policies?
  workload-policy effective --kind tw -n runai-team-a --policies policies/
      what applies to training in this project?
  workload-policy crds | kubectl apply -f -
      teach a cluster the eight kinds
  workload-policy serve --policies policies/
      run the webhook

`workload-policy COMMAND --help` says more on each.
"""

PATHS = """\
PATH is a file, a directory (all .yaml, .yml and .json files below it), or - for stdin, read as kubectl reads them:
many documents, Lists, YAML or JSON. Objects of other kinds are skipped and counted.
"""

CHECK = f"""\
Judge workloads as if each were created now: its structure, what is filled in, and every reason to refuse it.

Policies are taken from --policies and from among the manifests; of the same policy in both the manifest counts. One
that `lint` would refuse is reported on stderr and governs all the same. Policies are not judged, nor counted as
skipped. A base workload among the manifests counts as its own creation would have stored it, and not at all if it
is refused; one under --policies counts as it stands.

{PATHS}
exit status: 0 all are admitted, 1 something is refused, 2 something could not be read (all else is judged)
"""
CHECK_EXAMPLES = """\
examples:
  workload-policy check -f job.yaml --policies policies/
  workload-policy check -f manifests/ -n runai-team-a -o json --policies policies/ | jq .summary
  kustomize build overlays/team-a | workload-policy check -f - --policies policies/
"""

LINT = f"""\
Check policies as the cluster would when they are applied: one that could never work is refused, with every problem.
Workloads among the inputs are tried: a policy that is fine gets a warning for each that it would refuse.

{PATHS}
exit status: 0 all are accepted, 1 something is refused, 2 something could not be read (all else is checked)
"""
LINT_EXAMPLES = """\
examples:
  workload-policy lint policies/
  workload-policy lint policies/ workloads/ -o json
  git show HEAD:policies/training.yaml | workload-policy lint -
"""

EFFECTIVE = f"""\
Show which policy applies to the workloads of a kind in a namespace, and why; and of each value that it names the
default, the rules, and where in the policy they stand.

{PATHS}
exit status: 0 shown, 2 something could not be read
"""
EFFECTIVE_EXAMPLES = """\
examples:
  workload-policy effective --kind TrainingWorkload -n runai-team-a --policies policies/
  workload-policy effective --kind iw -n runai-team-a --policies policies/ -o json
"""

CRDS = """\
Print the CustomResourceDefinitions of the workloads and policies as YAML.

exit status: 0 done, 2 they could not be written
"""
CRDS_EXAMPLES = """\
examples:
  workload-policy crds | kubectl apply -f -
  workload-policy crds TrainingWorkload TrainingPolicy
  workload-policy crds --output-dir crds/
"""

COMMANDS: Mapping[str, Command] = {
    "check": Command(
        "judge manifests as the webhook would", CHECK, CHECK_EXAMPLES, add_check, "workload_policy.check:run_check"
    ),
    "lint": Command(
        "check policies as the webhook would", LINT, LINT_EXAMPLES, add_lint, "workload_policy.lint:run_lint"
    ),
    "effective": Command(
        "show which policy applies, and what it says",
        EFFECTIVE,
        EFFECTIVE_EXAMPLES,
        add_effective,
        "workload_policy.effective:run_effective",
    ),
    "crds": Command(
        "print the CustomResourceDefinitions", CRDS, CRDS_EXAMPLES, add_crds, "workload_policy.show_crds:run_crds"
    ),
    SERVE: Command("run the admission webhook", "", "", add_nothing, "workload_policy.serve:run_serve"),
}
