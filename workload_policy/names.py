"""Names as people type them: the kinds as kubectl takes them, and what a mistyped name was meant to be."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from policies.kinds import GROUP, KINDS, VERSION, Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """What the API server serves under a plural: the workloads of a kind, or the policies for them."""

    kind: Kind
    plural: str

    @property
    def crd_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


class UnknownKindError(LookupError):
    """A word that names no kind of ours, in a sentence."""


def find_resource(word: str) -> Resource:
    """The resource that a word names: kind, singular, plural or short name, in any case, with or without the group."""
    words = resource_words()
    name = word.lower().removesuffix(f".{GROUP}").removesuffix(f".{VERSION}")
    if name in words:
        return words[name]
    kinds = [name for kind in KINDS for name in (kind.name, kind.policy_name)]
    meant = nearest(word, kinds)
    raise UnknownKindError(f"no kind {word!r}, " + (f"did you mean {meant}?" if meant else f"only {', '.join(kinds)}"))


def resource_words() -> dict[str, Resource]:
    """Every word that names a resource, in lower case."""
    workloads = {
        word: Resource(kind, kind.plural)
        for kind in KINDS
        for word in (kind.name.lower(), kind.plural, kind.short_name)
    }
    policies = {
        word: Resource(kind, kind.policy_plural)
        for kind in KINDS
        for word in (kind.policy_name.lower(), kind.policy_plural)
    }
    return workloads | policies


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, whatever its case."""
    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None
