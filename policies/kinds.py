"""The table of kinds: each workload kind and the policy kind that governs it."""

from dataclasses import dataclass

GROUP = "run.ai"
VERSION = "v2alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

SPEC = "spec"
MASTER_SPEC = "masterSpec"


@dataclass(frozen=True, slots=True)
class Kind:
    """A workload kind (`InteractiveWorkload`) with the names of its policy kind.

    `letter` is what `values.py` calls it; `blocks` names the blocks of values in the order of messages.
    """

    letter: str
    name: str
    plural: str
    short_name: str
    policy_name: str
    policy_plural: str
    blocks: tuple[str, ...] = (SPEC,)


INTERACTIVE = Kind("I", "InteractiveWorkload", "interactiveworkloads", "iw", "InteractivePolicy", "interactivepolicies")
TRAINING = Kind("T", "TrainingWorkload", "trainingworkloads", "tw", "TrainingPolicy", "trainingpolicies")
DISTRIBUTED = Kind(
    "D",
    "DistributedWorkload",
    "distributedworkloads",
    "dw",
    "DistributedPolicy",
    "distributedpolicies",
    (SPEC, MASTER_SPEC),
)
INFERENCE = Kind("F", "InferenceWorkload", "inferenceworkloads", "infw", "InferencePolicy", "inferencepolicies")

KINDS = (INTERACTIVE, TRAINING, DISTRIBUTED, INFERENCE)
WORKLOAD_KINDS = {kind.name: kind for kind in KINDS}
POLICY_KINDS = {kind.policy_name: kind for kind in KINDS}
