"""The catalogue: every value a workload may hold, once, in the order of messages and patches."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from policies.kinds import KINDS, SPEC, Kind


class Type(StrEnum):
    """What a value is made of."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    QUANTITY = "quantity"
    DURATION = "duration"
    LIST = "list"
    OBJECT = "object"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the catalogue, or one member of an object or of a map's items.

    name, type, description   as in the CRDs
    kinds       letters of the workload kinds that have it (`Kind.letter`)
    members     of an object, or of each item of a map, by name in catalogue order
    item        of a map of plain values: the item's one member, named `value`
    bare        not wrapped: `spec.usage: Submit` instead of `spec.gpu: {value: 1}`
    policy      policies may name it; workload: workloads may set it; master: it counts in a masterSpec
    inherit     taken from a base workload
    mandatory   must be there in every live item of a Submit
    enum        the closed list of texts; any_case: compared without regard to case
    minimum, maximum, pattern (the whole text must match), looks_like (the pattern's example)
    known       names worth completing; any other is accepted
    words       the text holds several words with this separator
    alias       the value (or member) of which this is a second spelling
    spellings   the value and its alias, in catalogue order; just the name where there is none
    rivals      the others of its group: a layer that sets one of a group drops the rest
    secret      printed as *** wherever it is shown
    rules       the only rules it may have, where there are fewer than the type allows
    order       its place in the catalogue, or among the members
    """

    name: str
    type: Type
    description: str = ""
    kinds: str = "ITDF"
    members: Mapping[str, "Value"] = field(default_factory=dict)
    item: "Value | None" = None
    bare: bool = False
    policy: bool = True
    workload: bool = True
    master: bool = True
    inherit: bool = True
    mandatory: bool = False
    enum: tuple[str, ...] = ()
    any_case: bool = False
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    looks_like: str = ""
    known: tuple[str, ...] = ()
    words: str = ""
    alias: str = ""
    spellings: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    secret: bool = False
    rules: tuple[str, ...] = ()
    order: int = 0


STRING, BOOLEAN, INTEGER, NUMBER, QUANTITY, DURATION, LIST, OBJECT, MAP = Type

_CAPABILITIES = (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE "
    "DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE "
    "MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETGID SETFCAP SETPCAP SETUID "
    "SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE "
    "SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM"
)

_MIG_PROFILES = (
    "1g.5gb 1g.6gb 1g.10gb 1g.12gb 1g.18gb 1g.20gb 1g.24gb 1g.35gb 2g.10gb 2g.12gb 2g.20gb 2g.24gb 2g.35gb "
    "3g.20gb 3g.40gb 3g.47gb 3g.71gb 4g.20gb 4g.24gb 4g.40gb 4g.47gb 4g.71gb 7g.40gb 7g.80gb 7g.94gb 7g.141gb"
)

_SERVICE_TYPES = ("LoadBalancer", "NodePort", "ClusterIP")

# Of each group a layer sets one: it drops the others that earlier layers bring.
_GROUPS = (
    ("gpu", "gpuDevices", "gpuMemory", "migProfile"),
    ("name", "namePrefix"),
    ("nodePool", "nodePools"),
    ("autoDeletionTimeAfterCompletionSeconds", "ttlAfterFinish"),
)
_MEMBER_GROUPS = {"exposedUrls": (("container", "containerPort"), ("authorizedUsers", "authorizedGroups"))}


def _plain(kind: Type, description: str, *, secret: bool = False) -> Value:
    """The one member of an item that is a plain value."""
    return Value("value", kind, description, secret=secret)


def _linked(values: Iterable[Value], groups: tuple[tuple[str, ...], ...] = ()) -> dict[str, Value]:
    """The values by name, each knowing its place, its spellings and its rivals, its members likewise."""
    table = tuple(values)
    return {value.name: _linked_value(value, order, table, groups) for order, value in enumerate(table)}


def _linked_value(value: Value, order: int, table: tuple[Value, ...], groups: tuple[tuple[str, ...], ...]) -> Value:
    """The value with what follows from its place in the table."""
    first = value.alias or value.name
    return replace(
        value,
        order=order,
        spellings=tuple(other.name for other in table if first in (other.name, other.alias)),
        rivals=tuple(name for group in groups if value.name in group for name in group if name != value.name),
        members=MappingProxyType(_linked(value.members.values(), _MEMBER_GROUPS.get(value.name, ()))),
        item=value.item and replace(value.item, spellings=(value.item.name,)),
    )


def _members(*values: Value) -> dict[str, Value]:
    """The members of an object or of a map's items, by name."""
    return {value.name: value for value in values}


_TABLE = (
    Value(
        "active",
        BOOLEAN,
        "False suspends the workload and keeps the object; true, which is the default, lets it run.",
        inherit=False,
    ),
    Value(
        "allowPrivilegeEscalation",
        BOOLEAN,
        "Whether a process in the container may gain more privileges than its parent has "
        "(securityContext.allowPrivilegeEscalation).",
    ),
    Value(
        "annotations",
        MAP,
        "Annotations of the pods. The label of an item is the annotation's key. Its flag is --annotation.",
        item=_plain(STRING, "The annotation's value."),
    ),
    Value(
        "arguments",
        STRING,
        "The arguments of the container (args), split as a shell splits words. On the command line they "
        "are the words after --.",
    ),
    Value(
        "autoDeletionTimeAfterCompletionSeconds",
        INTEGER,
        "How many seconds after it has finished the workload is deleted (ttlSecondsAfterFinished), a whole "
        "number of at least 0. It takes the place of ttlAfterFinish. Its flag is "
        "--auto-deletion-time-after-completion.",
        kinds="TD",
        minimum=0,
    ),
    Value(
        "backoffLimit",
        INTEGER,
        "How often a failed workload is tried again before it counts as failed, a whole number of at least 0.",
        kinds="TD",
        minimum=0,
    ),
    Value(
        "baseWorkload",
        STRING,
        "The name of another workload of the same kind whose values this one inherits: one in the same "
        "namespace, or a Template in the global namespace. Its flag is --template.",
        bare=True,
        policy=False,
        master=False,
        inherit=False,
    ),
    Value(
        "capabilities",
        LIST,
        "Linux capabilities that the container gets in addition (securityContext.capabilities.add), "
        f"written like NET_ADMIN. Known ones are {', '.join(_CAPABILITIES.split())}. Its flag is "
        "--add-capability.",
        pattern="[A-Z][A-Z_]*",
        looks_like="NET_ADMIN",
        known=tuple(_CAPABILITIES.split()),
    ),
    Value(
        "class",
        STRING,
        "The autoscaler that scales the workload (autoscaling.knative.dev/class).",
        kinds="F",
    ),
    Value(
        "command",
        STRING,
        "The command of the container, which replaces the image's entry point, split as a shell splits "
        "words. On the command line it is --command and the words after --.",
    ),
    Value(
        "completions",
        INTEGER,
        "How many pods must finish successfully before the workload is done, a whole number of at least 1.",
        kinds="T",
        minimum=1,
    ),
    Value(
        "configMapVolumes",
        MAP,
        "ConfigMaps that are mounted as volumes. Its flag is --configmap-volume.",
        members=_members(
            Value("name", STRING, "The name of the ConfigMap. Every item needs it.", mandatory=True),
            Value(
                "mountPath",
                STRING,
                "The path in the container where the ConfigMap is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("subPath", STRING, "The path within the volume that is mounted instead of its root."),
            Value("defaultMode", INTEGER, "The permission bits of the files, as a decimal whole number."),
        ),
    ),
    Value(
        "cpu",
        NUMBER,
        "The CPU cores that one pod requests (resources.requests.cpu), at least 0. Write a number such as "
        '2 or, in quotes, "0.5" or "500m".',
    ),
    Value(
        "cpuLimit",
        NUMBER,
        "The CPU cores that one pod may use at most (resources.limits.cpu), no less than cpu. Write a "
        'number such as 2 or, in quotes, "0.5" or "500m".',
    ),
    Value(
        "createHomeDir",
        BOOLEAN,
        "Whether the user gets a temporary home directory, /home/runai-home, which HOME then names. The "
        "default is true when runAsUser is true.",
    ),
    Value(
        "emptyDirVolumes",
        MAP,
        "Empty directories that live as long as their pod, mounted as volumes.",
        members=_members(
            Value(
                "path",
                STRING,
                "The path in the container where the directory is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value(
                "medium",
                STRING,
                'Where the directory is kept: Memory, or "" for the storage of the node.',
                enum=("", "Memory"),
            ),
            Value(
                "sizeLimit",
                QUANTITY,
                "The most that the directory may hold. Write a quantity such as 500Mi or 2Gi.",
            ),
        ),
    ),
    Value(
        "environment",
        MAP,
        "Environment variables of the container. The label of an item is the variable's name. A value of "
        "the form SECRET:name,key is read from that key of the Secret of that name. The values are never "
        "shown. Its flag is --environment.",
        item=_plain(STRING, "The variable's value, or SECRET:name,key.", secret=True),
        secret=True,
    ),
    Value(
        "exposedUrls",
        MAP,
        "Ports of the container that a URL makes reachable, by a Service and an Ingress. Its flag is --external-url.",
        members=_members(
            Value(
                "container",
                INTEGER,
                "The port in the container, a whole number from 1 to 65535. Every item needs it, or containerPort.",
                mandatory=True,
                minimum=1,
                maximum=65535,
            ),
            Value(
                "containerPort",
                INTEGER,
                "A second spelling of container, a whole number from 1 to 65535.",
                minimum=1,
                maximum=65535,
                alias="container",
            ),
            Value("url", STRING, "The URL under which the port is reachable."),
            Value("customUrl", BOOLEAN, "Whether the author chose the URL; otherwise it is made up."),
            Value("isPrivate", BOOLEAN, "Whether only its author may open the URL."),
            Value(
                "authorizationType",
                STRING,
                "Who may open the URL: authenticatedUsers, authorizedUsers or authorizedGroups.",
                enum=("authenticatedUsers", "authorizedUsers", "authorizedGroups"),
            ),
            Value(
                "authorizedUsers",
                LIST,
                "The users who may open the URL. It cannot stand beside authorizedGroups.",
            ),
            Value(
                "authorizedGroups",
                LIST,
                "The groups whose members may open the URL. It cannot stand beside authorizedUsers.",
            ),
            Value("toolType", STRING, "The sort of tool that answers at the URL."),
            Value("toolName", STRING, "The name of the tool that answers at the URL."),
        ),
    ),
    Value(
        "extendedResources",
        MAP,
        "Further resources that one pod requests and is limited to. The label of an item is the resource's "
        "name. GPUs, CPU and memory have values of their own. Its flag is --extended-resource.",
        item=_plain(QUANTITY, "How much of the resource. Write a quantity such as 2 or 500m."),
    ),
    Value(
        "gitSync",
        MAP,
        "Git repositories that are cloned into the pod before the container starts.",
        members=_members(
            Value("repository", STRING, "The address of the repository. Every item needs it.", mandatory=True),
            Value("branch", STRING, "The branch that is checked out."),
            Value("revision", STRING, "The commit or the tag that is checked out."),
            Value(
                "path",
                STRING,
                "The path in the container where the clone is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("secretName", STRING, "The name of the Secret that holds the credentials for the repository."),
            Value("username", STRING, "The user who reads the repository."),
            Value("password", STRING, "The password or token of that user. It is never shown.", secret=True),
            Value("image", STRING, "The image of the container that clones the repository."),
        ),
    ),
    Value(
        "gpu",
        NUMBER,
        "What one pod asks of GPUs: a whole number of devices, or a fraction of one between 0 and 1. Write "
        'a number such as 2 or, in quotes, "0.5". Only one of gpu, gpuDevices, gpuMemory and migProfile '
        "may be set.",
    ),
    Value(
        "gpuDevices",
        INTEGER,
        "A second spelling of gpu, for whole GPUs only: a whole number of at least 0. The rules of gpu "
        "cover it. Its flag is --gpu-devices-request.",
        minimum=0,
        alias="gpu",
    ),
    Value(
        "gpuLimit",
        QUANTITY,
        'The most that one pod may use of a shared GPU: a fraction between 0 and 1 such as "0.5", or an '
        "amount of GPU memory. Write a quantity such as 500m or 2Gi.",
    ),
    Value(
        "gpuMemory",
        QUANTITY,
        "The GPU memory that one pod asks of a shared GPU, above 0. Write a quantity such as 500M or 2Gi. "
        "Only one of gpu, gpuDevices, gpuMemory and migProfile may be set.",
    ),
    Value("hostIpc", BOOLEAN, "Whether the pod shares the IPC namespace of its node."),
    Value("hostNetwork", BOOLEAN, "Whether the pod uses the network of its node."),
    Value("image", STRING, "The image of the container, such as registry.example.com/team/train:1."),
    Value(
        "imagePullPolicy",
        STRING,
        "When the image is pulled: Always, IfNotPresent or Never, in any case.",
        enum=("Always", "IfNotPresent", "Never"),
        any_case=True,
    ),
    Value(
        "imagePullSecrets",
        STRING,
        "The name of the Secret with which the image is pulled, or several names separated by spaces.",
        words=" ",
    ),
    Value("ingressUrl", STRING, "The address of the Ingress, which the system keeps for its own use."),
    Value(
        "isPrivateServiceUrl",
        BOOLEAN,
        "Whether the service is reachable from within the cluster only (networking.knative.dev/visibility).",
        kinds="F",
    ),
    Value(
        "jobType",
        STRING,
        "What the workload runs as: MPIJob, PyTorchJob, TFJob, XGBoostJob or JAXJob. On the command line "
        "it is the word after submit-dist.",
        kinds="D",
        bare=True,
        policy=False,
        master=False,
        enum=("MPIJob", "PyTorchJob", "TFJob", "XGBoostJob", "JAXJob"),
    ),
    Value(
        "jupyter",
        BOOLEAN,
        "Whether the workload is a Jupyter notebook: its image, port 8888 and a Service come along.",
        kinds="I",
    ),
    Value(
        "labels",
        MAP,
        "Labels of the workload's main object and of its pods. The label of an item is the key. Its flag is --label.",
        item=_plain(STRING, "The label's value."),
    ),
    Value("largeShm", BOOLEAN, "Whether /dev/shm is a large directory that is kept in memory."),
    Value(
        "maxScale",
        INTEGER,
        "The most replicas to scale to (autoscaling.knative.dev/max-scale), a whole number of at least 1. "
        "Its flag is --max-replicas.",
        kinds="F",
        minimum=1,
    ),
    Value(
        "memory",
        QUANTITY,
        "The memory that one pod requests (resources.requests.memory), above 0. Write a quantity such as 500Mi or 2Gi.",
    ),
    Value(
        "memoryLimit",
        QUANTITY,
        "The memory that one pod may use at most (resources.limits.memory), above 0 and no less than "
        "memory. Write a quantity such as 500Mi or 2Gi.",
    ),
    Value(
        "metric",
        STRING,
        "What the autoscaler watches: cpu-utilization, latency, throughput, concurrency, gpu-utilization or custom.",
        kinds="F",
        enum=("cpu-utilization", "latency", "throughput", "concurrency", "gpu-utilization", "custom"),
    ),
    Value("metricName", STRING, "A metric of your own for the autoscaler, which overrides metric.", kinds="F"),
    Value(
        "migProfile",
        STRING,
        "The slice of a partitioned GPU that one pod asks, written like 1g.5gb. It becomes the resource "
        f"nvidia.com/mig-1g.5gb. Known ones are {', '.join(_MIG_PROFILES.split())}. Only one of gpu, "
        "gpuDevices, gpuMemory and migProfile may be set.",
        pattern=r"[1-9]g\.[0-9]{1,3}gb(\+[a-z]+)*",
        looks_like="1g.5gb",
        known=tuple(_MIG_PROFILES.split()),
    ),
    Value(
        "minScale",
        INTEGER,
        "The fewest replicas to scale to (autoscaling.knative.dev/min-scale), a whole number of at least 0 "
        "and no greater than maxScale. Its flag is --min-replicas.",
        kinds="F",
        minimum=0,
    ),
    Value(
        "mountPropagation",
        BOOLEAN,
        "Whether mounts that appear on the node later are seen in the container too (HostToContainer).",
    ),
    Value(
        "mpi",
        BOOLEAN,
        "Whether the workload runs as an MPIJob, with as many workers as processes says.",
        kinds="IT",
    ),
    Value(
        "mpiJob",
        OBJECT,
        "Settings of the MPIJob, used with jobType MPIJob.",
        kinds="D",
        master=False,
        members=_members(
            Value(
                "slotsPerWorker",
                INTEGER,
                "How many processes one worker runs, a whole number of at least 1.",
                minimum=1,
            ),
            Value(
                "launcherCreationPolicy",
                STRING,
                "When the launcher is created: AtStartup or WaitForWorkersReady.",
                enum=("AtStartup", "WaitForWorkersReady"),
            ),
            Value(
                "sshAuthMountPath",
                STRING,
                "The path where the SSH keys of the launcher and workers are mounted.",
            ),
        ),
    ),
    Value(
        "name",
        STRING,
        "The name of the objects that are created: a DNS label of lower-case letters, digits and -, a "
        "letter first, at most 63 characters. A workload needs it or namePrefix.",
        master=False,
        inherit=False,
    ),
    Value(
        "namePrefix",
        STRING,
        "The beginning of the name, which the smallest free index completes: lower-case letters, digits "
        "and -, a letter first, at most 57 characters. A workload needs it or name. Its flag is "
        "--job-name-prefix.",
        master=False,
        inherit=False,
    ),
    Value("nodePool", STRING, "The node pool to run in. It is deprecated: use nodePools instead."),
    Value(
        "nodePools",
        STRING,
        "The node pools to run in, in the order of preference, their names separated by spaces.",
        words=" ",
    ),
    Value(
        "nodeType",
        STRING,
        "Specifies nodes (machines) or a group of nodes on which the workload will run. To use this "
        "feature, your Administrator will need to label nodes as explained in the Group Nodes guide at "
        "https://docs.run.ai/admin/researcher-setup/limit-to-node-group. This flag can be used in "
        "conjunction with Project-based affinity. In this case, the flag is used to refine the list of "
        "allowable node groups set in the Project. For more information consult the Projects guide at "
        "https://docs.run.ai/admin/admin-ui-setup/project-setup.",
    ),
    Value(
        "nonPreemptible",
        BOOLEAN,
        "Whether the workload, once it runs, keeps its resources when others want them.",
        kinds="D",
    ),
    Value(
        "notebookToken",
        STRING,
        "The token that opens the Jupyter notebook. It is never shown.",
        kinds="I",
        secret=True,
    ),
    Value(
        "parallelism",
        INTEGER,
        "How many pods run at the same time, a whole number of at least 1 and no greater than completions.",
        kinds="T",
        minimum=1,
    ),
    Value(
        "podAffinity",
        BOOLEAN,
        "Whether the pods of the workload are placed together, as podAffinitySchedulingRule and "
        "podAffinityTopology say.",
    ),
    Value(
        "podAffinitySchedulingRule",
        STRING,
        "How strictly the pods are placed together: hard (required) or soft (preferred). It needs "
        "podAffinity true. Its flags are --required-pod-topology-key and --preferred-pod-topology-key.",
        enum=("hard", "soft"),
    ),
    Value(
        "podAffinityTopology",
        STRING,
        "The label of nodes within whose like values the pods are placed together (topologyKey). It needs "
        "podAffinity true.",
    ),
    Value(
        "ports",
        MAP,
        "Ports of the container that a Service makes reachable. Its flag is --port.",
        members=_members(
            Value(
                "container",
                INTEGER,
                "The port in the container, a whole number from 1 to 65535. Every item needs it.",
                mandatory=True,
                minimum=1,
                maximum=65535,
            ),
            Value(
                "external",
                INTEGER,
                "The port under which it is reachable from outside, a whole number from 1 to 65535.",
                minimum=1,
                maximum=65535,
            ),
            Value(
                "serviceType",
                STRING,
                "The type of the port's Service: LoadBalancer, NodePort or ClusterIP, in any case.",
                enum=_SERVICE_TYPES,
                any_case=True,
            ),
            Value("toolType", STRING, "The sort of tool that answers at the port."),
            Value("toolName", STRING, "The name of the tool that answers at the port."),
            Value("name", STRING, "The name of the port."),
            Value("autoGenerate", BOOLEAN, "Whether the system chooses the external port."),
        ),
    ),
    Value(
        "preemptible",
        BOOLEAN,
        "Whether the workload may use more than the project's quota and in return give way to others.",
        kinds="I",
    ),
    Value(
        "preemptionLimit",
        INTEGER,
        "How often the workload may be preempted before it counts as failed, a whole number of at least 0.",
        kinds="IT",
        minimum=0,
    ),
    Value(
        "processes",
        INTEGER,
        "How many workers the MPIJob has, a whole number of at least 1. It counts where mpi is true.",
        kinds="IT",
        minimum=1,
    ),
    Value(
        "pvcs",
        MAP,
        "Persistent volume claims, existing or new ones, that are mounted as volumes. Its flags are --pvc, "
        "--pvc-new and --pvc-exists.",
        members=_members(
            Value("claimName", STRING, "The name of the claim. An item with existingPvc true needs it."),
            Value("existingPvc", BOOLEAN, "Whether the claim exists already; otherwise it is created."),
            Value(
                "path",
                STRING,
                "The path in the container where the volume is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("readOnly", BOOLEAN, "Whether the container may only read the volume."),
            Value("ephemeral", BOOLEAN, "Whether the claim is deleted together with the workload."),
            Value("size", QUANTITY, "The size of a new claim. Write a quantity such as 500Mi or 2Gi."),
            Value("storageClass", STRING, "The storage class of a new claim."),
            Value("readWriteOnce", BOOLEAN, "Whether one node at a time may read and write the volume."),
            Value("readOnlyMany", BOOLEAN, "Whether many nodes may read the volume."),
            Value("readWriteMany", BOOLEAN, "Whether many nodes may read and write the volume."),
            Value(
                "volumeMode",
                STRING,
                "What the volume is: Filesystem or Block.",
                enum=("Filesystem", "Block"),
            ),
        ),
    ),
    Value(
        "pyTorchJob",
        OBJECT,
        "How far the PyTorchJob may grow and shrink (elasticPolicy), used with jobType PyTorchJob.",
        kinds="D",
        master=False,
        members=_members(
            Value("minReplicas", INTEGER, "The fewest replicas, a whole number of at least 1.", minimum=1),
            Value("maxReplicas", INTEGER, "The most replicas, a whole number of at least 1.", minimum=1),
        ),
    ),
    Value(
        "runAsGid",
        INTEGER,
        "The group id that the pod runs with, a whole number of at least 0. It counts only where runAsUser is true.",
        minimum=0,
    ),
    Value(
        "runAsUid",
        INTEGER,
        "The user id that the pod runs with, a whole number of at least 0. It counts only where runAsUser is true.",
        minimum=0,
    ),
    Value(
        "runAsUser",
        BOOLEAN,
        "Whether the pod runs as its author, with the ids in runAsUid and runAsGid, and not as the image says.",
    ),
    Value(
        "runPolicy",
        OBJECT,
        "When a distributed workload is given up and what is cleaned up then (Kubeflow's runPolicy).",
        kinds="D",
        master=False,
        members=_members(
            Value(
                "cleanPodPolicy",
                STRING,
                "Which pods are deleted when the workload has finished: Running, All or None.",
                enum=("Running", "All", "None"),
            ),
            Value(
                "backoffLimit",
                INTEGER,
                "How often it is tried again before it counts as failed, a whole number of at least 0.",
                minimum=0,
            ),
            Value(
                "ttlSecondsAfterFinished",
                INTEGER,
                "How many seconds after its end it is deleted, a whole number of at least 0.",
                minimum=0,
            ),
            Value(
                "activeDeadlineSeconds",
                INTEGER,
                "How many seconds it may run, a whole number of at least 1.",
                minimum=1,
            ),
        ),
    ),
    Value(
        "s3",
        MAP,
        "Buckets of an S3 store that are mounted as volumes.",
        members=_members(
            Value("bucket", STRING, "The name of the bucket. Every item needs it.", mandatory=True),
            Value(
                "path",
                STRING,
                "The path in the container where the bucket is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("url", STRING, "The address of the store."),
            Value("key", STRING, "The access key id. It is never shown.", secret=True),
            Value("secret", STRING, "The secret access key. It is never shown.", secret=True),
            Value("accessKeySecret", STRING, "The name of the Secret that holds the access key instead."),
            Value("secretKeyOfAccessKeyId", STRING, "The key in that Secret under which the access key id is."),
            Value("secretKeyOfSecretKey", STRING, "The key in that Secret under which the secret access key is."),
        ),
    ),
    Value(
        "secretVolumes",
        MAP,
        "Secrets that are mounted as volumes. Its flag is --secret-volume.",
        members=_members(
            Value("name", STRING, "The name of the Secret. Every item needs it.", mandatory=True),
            Value(
                "mountPath",
                STRING,
                "The path in the container where the Secret is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("defaultMode", INTEGER, "The permission bits of the files, as a decimal whole number."),
        ),
    ),
    Value(
        "serviceType",
        STRING,
        "The type of the Service for ports that name none: LoadBalancer, NodePort or ClusterIP, in any case.",
        enum=_SERVICE_TYPES,
        any_case=True,
    ),
    Value(
        "slotsPerWorker",
        INTEGER,
        "How many processes one worker of an MPIJob runs, a whole number of at least 1.",
        kinds="ITD",
        minimum=1,
    ),
    Value("stdin", BOOLEAN, "Whether the container keeps its standard input open."),
    Value(
        "supplementalGroups",
        STRING,
        "Further group ids that the pod runs with, separated by ; as in 1000;1001.",
        words=";",
    ),
    Value(
        "target",
        INTEGER,
        "The amount of the metric that one replica shall bear (autoscaling.knative.dev/target), a whole "
        "number of at least 1. Its flag is --metric-threshold.",
        kinds="F",
        minimum=1,
    ),
    Value("tensorboard", BOOLEAN, "Whether a TensorBoard runs beside the workload.", kinds="I"),
    Value("tensorboardLogdir", STRING, "The directory of the logs that TensorBoard shows.", kinds="I"),
    Value(
        "terminateAfterPreemption",
        BOOLEAN,
        "Whether a preempted workload ends instead of waiting to run again.",
    ),
    Value(
        "tolerations",
        MAP,
        "Taints of nodes that the pods tolerate. Its flag is --toleration.",
        members=_members(
            Value("key", STRING, "The key of the taint."),
            Value(
                "operator",
                STRING,
                "How the taint's value is compared: Equal, or Exists for any value.",
                enum=("Equal", "Exists"),
            ),
            Value("value", STRING, "The value of the taint. It cannot stand beside operator Exists."),
            Value(
                "effect",
                STRING,
                "The effect of the taint that is tolerated: NoSchedule, PreferNoSchedule or NoExecute.",
                enum=("NoSchedule", "PreferNoSchedule", "NoExecute"),
            ),
            Value(
                "seconds",
                INTEGER,
                "For how many seconds the taint is tolerated, a whole number of at least 0. It needs effect NoExecute.",
                minimum=0,
            ),
            Value("name", STRING, "The name of the toleration."),
        ),
    ),
    Value(
        "totalGpu",
        NUMBER,
        "The GPUs of the whole workload: those of one pod times the number of its pods. It is computed and "
        'can only be bounded, in policies. Write a number such as 2 or, in quotes, "0.5".',
        workload=False,
        master=False,
        rules=("min", "max"),
    ),
    Value(
        "ttlAfterFinish",
        DURATION,
        "How long after it has finished the workload is deleted (ttlSecondsAfterFinished). Write hours, "
        "minutes and seconds, such as 90s, 2h or 1h30m.",
        kinds="T",
    ),
    Value("tty", BOOLEAN, "Whether the container gets a terminal."),
    Value(
        "usage",
        STRING,
        "What the object is for: Submit, which is the default, runs the workload; Template only stores its "
        "values for others to inherit.",
        bare=True,
        policy=False,
        master=False,
        inherit=False,
        enum=("Submit", "Template"),
    ),
    Value("userId", STRING, "The id of the user for whom the workload was submitted.", inherit=False),
    Value(
        "username",
        STRING,
        "The name of the user that is shown for the workload. It is never used to authorise anything. Its "
        "flag is --user.",
        inherit=False,
    ),
    Value(
        "volumes",
        MAP,
        "Directories of the node or of an NFS server that are mounted as volumes. Its flag is --volume.",
        members=_members(
            Value(
                "path",
                STRING,
                "The directory on the node, or on the NFS server where nfsServer is set. Every item needs it.",
                mandatory=True,
            ),
            Value(
                "mountPath",
                STRING,
                "The path in the container where the directory is mounted. Every item needs it.",
                mandatory=True,
            ),
            Value("readOnly", BOOLEAN, "Whether the container may only read the directory."),
            Value("nfsServer", STRING, "The address of the NFS server; without it the directory is the node's."),
        ),
    ),
    Value(
        "workers",
        INTEGER,
        "How many workers the distributed workload has, a whole number of at least 1.",
        kinds="D",
        master=False,
        minimum=1,
    ),
    Value("workingDir", STRING, "The directory in which the container's command starts."),
)

CATALOGUE: tuple[Value, ...] = tuple(_linked(_TABLE, _GROUPS).values())


def _chosen(wanted: Callable[[Value], bool]) -> dict[tuple[str, str], Mapping[str, Value]]:
    """For each kind's letter and block, the values that are wanted and count there, in catalogue order."""
    return {
        (kind.letter, block): MappingProxyType(
            {
                value.name: value
                for value in CATALOGUE
                if wanted(value) and kind.letter in value.kinds and (value.master or block == SPEC)
            }
        )
        for kind in KINDS
        for block in kind.blocks
    }


_WORKLOAD_VALUES = _chosen(lambda value: value.workload)
_POLICY_VALUES = _chosen(lambda value: value.policy)


def workload_values(kind: Kind, block: str) -> Mapping[str, Value]:
    """What a workload's block may hold and the engine looks at: what a masterSpec ignores is not there."""
    return _WORKLOAD_VALUES[kind.letter, block]


def policy_values(kind: Kind, block: str) -> Mapping[str, Value]:
    """What a policy's block may name, `totalGpu` of its spec included."""
    return _POLICY_VALUES[kind.letter, block]
