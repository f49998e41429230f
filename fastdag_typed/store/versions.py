"""Nodes in several versions: which is newer, which may stand in for which, and where they are found."""

from __future__ import annotations

from functools import total_ordering
from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean
from ..exceptions import UnknownNodeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..presets.nodes import EnhancedNode


@total_ordering
class NodeVersion:
    """A semantic version: ``1.2.3``, with a pre-release (``1.2.3-rc.1``) or without; ``1`` is ``1.0.0``.

    Build metadata (``+...``) says nothing about which is newer, and is dropped.

    Raises:
        ValueError: it is none.

    Source: Semantic Versioning 2.0.0 (semver.org).
    """

    __slots__ = ("_version",)

    def __init__(self, version_string: str) -> None:
        from semver import Version

        try:
            self._version = Version.parse(version_string, optional_minor_and_patch=True).replace(build=None)
        except (ValueError, TypeError):
            raise ValueError(f'{version_string!r} is no version (write it like "1.2.3" or "1.2.3-rc.1")') from None

    @property
    def major(self) -> int:
        """Counts changes after which a node does not fit where it was."""
        return self._version.major

    @property
    def minor(self) -> int:
        """Counts changes that add something."""
        return self._version.minor

    @property
    def patch(self) -> int:
        """Counts changes that mend something."""
        return self._version.patch

    @property
    def prerelease(self) -> str | None:
        """What marks a version that comes before the one without it."""
        return self._version.prerelease

    def is_compatible(self, other: NodeVersion) -> bool:
        """Tell whether the major version is the same."""
        return self.major == other.major

    def __str__(self) -> str:
        return str(self._version)

    def __repr__(self) -> str:
        return f"NodeVersion({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self._version.compare(other._version) == 0 if isinstance(other, NodeVersion) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._version.compare(other._version) < 0 if isinstance(other, NodeVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.major, self.minor, self.patch, self.prerelease))


class VersionedNodeRegistry:
    """Nodes by name and version.

    Where several versions would do, a pre-release is chosen only if there is nothing else.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, EnhancedNode[..., Any]]] = {}

    def register(self, node: EnhancedNode[..., Any]) -> None:
        """Add a node.

        Raises:
            TypeError: it has no version.
            ValueError: another node of this name and version is there, or the version is none.

        """
        version = getattr(node, "version", None)
        if not isinstance(version, str):
            raise TypeError(f'{node!r} has no version (make it with EnhancedNode(func, version="1.0.0"))')
        key = str(NodeVersion(version))
        known = self.nodes.setdefault(node.name, {}).setdefault(key, node)
        if known is not node:
            raise ValueError(
                f'Node "{node.name}" is registered in version {key} already (the first one is defined at '
                f"{known.where}; give this one another version)"
            )

    def get(self, name: str, version: str | None = None) -> EnhancedNode[..., Any]:
        """Get a node, in the latest version if none is said.

        Raises:
            UnknownNodeError: there is none (it is a ``KeyError``).
            ValueError: the version is none.

        """
        versions = self._versions(name)
        if version is None:
            return versions[max(_preferred(versions))]
        found = versions.get(NodeVersion(version))
        if found is None:
            raise _unknown(name, version, versions, f'Node "{name}" is not registered in version {version}')
        return found

    def get_compatible(self, name: str, version: str) -> EnhancedNode[..., Any]:
        """Get a node in the lowest version that is not below the given one and has the same major number.

        Raises:
            UnknownNodeError: there is none (it is a ``KeyError``).
            ValueError: the version is none.

        """
        versions = self._versions(name)
        wanted = NodeVersion(version)
        if wanted in versions:
            return versions[wanted]
        able = [known for known in versions if known.is_compatible(wanted) and known > wanted]
        if not able:
            raise _unknown(name, version, versions, f'No version of node "{name}" is compatible with {version}')
        return versions[min(_preferred(able))]

    def _versions(self, name: str) -> dict[NodeVersion, EnhancedNode[..., Any]]:
        found = self.nodes.get(name)
        if found is None:
            hint = did_you_mean(name, self.nodes, what="registered nodes")
            raise UnknownNodeError(f'Node "{name}" is not registered ({hint})', name=name, known=sorted(self.nodes))
        return {NodeVersion(version): node for version, node in found.items()}


def _preferred(versions: Iterable[NodeVersion]) -> list[NodeVersion]:
    known = list(versions)
    return [version for version in known if version.prerelease is None] or known


def _unknown(name: str, version: str, versions: Iterable[NodeVersion], message: str) -> UnknownNodeError:
    known = [str(one) for one in sorted(versions)]
    return UnknownNodeError(f"{message} (versions: {', '.join(known)})", name=name, version=version, known=known)
