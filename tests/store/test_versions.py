"""Which version is newer, which stands in for which, and how they are found."""

from __future__ import annotations

import itertools

import pytest

from fastdag_typed import FastDagError, Node
from fastdag_typed.exceptions import UnknownNodeError
from fastdag_typed.presets.nodes import EnhancedNode
from fastdag_typed.store.versions import NodeVersion, VersionedNodeRegistry

RISING = [
    "0.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1",
    "1.0.1",
    "1.9",
    "1.10",
    "2",
]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(RISING, 2)))
def test_versions_are_ordered_as_semantic_versioning_says(lower, higher):
    one, other = NodeVersion(lower), NodeVersion(higher)
    assert one < other
    assert one <= other
    assert other > one
    assert other >= one
    assert one != other


def test_parts_that_are_left_out_are_zero():
    for short in ("1", "1.0", "1.0.0", "1.0.0+build.5"):
        version = NodeVersion(short)
        assert version == NodeVersion("1.0.0")
        assert hash(version) == hash(NodeVersion("1.0.0"))
        assert str(version) == "1.0.0"
    assert {NodeVersion("1"), NodeVersion("1.0.0")} == {NodeVersion("1.0")}


def test_the_parts_of_a_version_can_be_read():
    version = NodeVersion("1.2.3-rc.4")
    assert (version.major, version.minor, version.patch, version.prerelease) == (1, 2, 3, "rc.4")
    assert repr(version) == "NodeVersion('1.2.3-rc.4')"


def test_versions_with_the_same_major_number_are_compatible():
    assert NodeVersion("1.0").is_compatible(NodeVersion("1.9.3"))
    assert not NodeVersion("1.0").is_compatible(NodeVersion("2.0"))


@pytest.mark.parametrize("wrong", ["", "v1", "1.2.3.4", "01", "one", " 1.0", 1, None])
def test_what_is_no_version_is_refused(wrong):
    with pytest.raises(ValueError, match=r"is no version \(write it like"):
        NodeVersion(wrong)


def test_a_version_is_not_compared_with_text():
    assert NodeVersion("1") != "1.0.0"
    with pytest.raises(TypeError):
        assert NodeVersion("1") < "2"


def node(version: str, name: str = "clean") -> EnhancedNode[..., int]:
    return EnhancedNode(lambda: 1, name=name, version=version)


def registry(*versions: str) -> VersionedNodeRegistry:
    found = VersionedNodeRegistry()
    for version in versions:
        found.register(node(version))
    return found


def test_a_node_is_found_in_the_latest_version_or_in_the_one_that_is_said():
    found = registry("1.9.0", "2.0.0-rc.1", "1.10.0")
    assert found.get("clean").version == "1.10.0"
    assert found.get("clean", "1.9").version == "1.9.0"
    assert found.get("clean", "2.0.0-rc.1").version == "2.0.0-rc.1"


def test_a_pre_release_is_the_latest_only_if_there_is_nothing_else():
    assert registry("1.0.0-rc.1", "1.0.0-rc.2").get("clean").version == "1.0.0-rc.2"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1.0", "1.0.0"),
        ("1.1", "1.5.0"),
        ("1.5.0-rc.1", "1.5.0-rc.1"),
        ("1.4", "1.5.0"),
        ("1.5.1", "1.10.0"),
        ("2", "2.0.0"),
    ],
)
def test_the_lowest_compatible_version_is_given(wanted, found):
    versions = registry("2.0.0", "1.0.0", "1.10.0", "1.5.0", "1.5.0-rc.1")
    assert versions.get_compatible("clean", wanted).version == found


def test_what_is_not_there_is_an_error_that_says_what_is():
    versions = registry("1.0.0", "2.0.0")
    with pytest.raises(
        UnknownNodeError, match=r'^Node "claen" is not registered \(did you mean "clean"\?\)$'
    ) as caught:
        versions.get("claen")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, FastDagError)
    assert (caught.value.name, caught.value.known) == ("claen", ("clean",))
    with pytest.raises(KeyError, match=r'^Node "clean" is not registered in version 1.5 \(versions: 1.0.0, 2.0.0\)$'):
        versions.get("clean", "1.5")
    with pytest.raises(UnknownNodeError, match=r'No version of node "clean" is compatible with 2.1') as caught:
        versions.get_compatible("clean", "2.1")
    assert (caught.value.version, caught.value.known) == ("2.1", ("1.0.0", "2.0.0"))
    with pytest.raises(UnknownNodeError, match="registered nodes: none"):
        VersionedNodeRegistry().get_compatible("clean", "1")


def test_a_version_is_registered_once():
    versions = VersionedNodeRegistry()
    first = node("1.0.0")
    versions.register(first)
    versions.register(first)
    with pytest.raises(ValueError, match=r'Node "clean" is registered in version 1.0.0 already.*test_versions.py'):
        versions.register(node("1"))
    versions.register(node("1", "other"))
    assert versions.get("clean") is first


def test_a_node_without_a_version_is_not_registered():
    plain = Node(lambda: 1, "plain")
    with pytest.raises(TypeError, match=r"has no version.*EnhancedNode"):
        VersionedNodeRegistry().register(plain)  # type: ignore[arg-type]  # that is what is shown
