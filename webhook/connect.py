"""How the API server is reached: what Kubernetes gives to every pod, or a kubeconfig. Both by the official client."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaml import YAMLError

from webhook.kube import Api

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration

POD_FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
RENEW_SECONDS = 60

Load = Callable[[], Awaitable[None]]


class ClusterError(ValueError):
    """How to reach the cluster cannot be read, in one sentence."""


async def connect(kubeconfig: Path | None, environ: Mapping[str, str], now: Callable[[], float]) -> Api:
    """The API server of a kubeconfig, or of the cluster that this pod runs in. ClusterError if there is none."""
    from kubernetes.aio.client import ApiClient, Configuration  # noqa: PLC0415 - see kube.py
    from kubernetes.aio.config import ConfigException  # noqa: PLC0415

    where = "no --kubeconfig is given, and this is no pod" if kubeconfig is None else kubeconfig
    configuration: Any = Configuration(client_session_kwargs={"trust_env": False})
    try:
        load = file_loader(kubeconfig, configuration) if kubeconfig else pod_loader(environ, configuration)
        await load()
        configuration.refresh_api_key_hook = renewal(load, now)
        return Api(ApiClient(configuration))
    except (ConfigException, YAMLError, ValueError) as error:
        raise ClusterError(f"{where}: {error}") from error
    except OSError as error:
        raise ClusterError(f"{where}: {error.strerror or error}") from error
    except (LookupError, TypeError, AttributeError) as error:  # what the client meets in YAML of another shape
        raise ClusterError(f"{where}: not a kubeconfig") from error


def pod_loader(environ: Mapping[str, str], configuration: "Configuration") -> Load:
    """Reads what Kubernetes gives to every pod."""
    from kubernetes.aio.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415 - see kube.py

    token, authority = (str(POD_FILES / name) for name in ("token", "ca.crt"))
    loader = InClusterConfigLoader(token, authority, try_refresh_token=False, environ=environ)

    async def load() -> None:
        loader.load_and_set(configuration)

    return load


def file_loader(kubeconfig: Path, configuration: "Configuration") -> Load:
    """Reads a kubeconfig; what it names (a token's file, a command) is asked again at each call."""
    from kubernetes.aio.config import load_kube_config  # noqa: PLC0415 - see kube.py

    kubeconfig.stat()  # the client only logs that there is none
    loader: Any = None

    async def load() -> None:
        nonlocal loader
        if loader is None:
            loader = await load_kube_config(str(kubeconfig), None, configuration, persist_config=False)
        else:
            await loader.load_and_set(configuration)
        if token := configuration.api_key.get("BearerToken"):
            configuration.api_key["BearerToken"] = token.strip()  # of the newline that ends a file

    return load


def renewal(load: Load, now: Callable[[], float]) -> Callable[["Configuration"], Awaitable[None]]:
    """Reads credentials again every minute, before a request: a pod's token is valid for an hour."""
    due = now() + RENEW_SECONDS

    async def renew(_configuration: "Configuration") -> None:
        nonlocal due
        if now() >= due:
            due = now() + RENEW_SECONDS
            await load()

    return renew
