"""The order that annotations ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.plan import waves
from gitops.plan.change import Rank
from gitops.plan.waves import DEPENDS_ON, WAVE, Arrangement, Node
from gitops.ref import ResourceRef


def ref(name: str, kind: str = "ConfigMap", *, group: str = "", namespace: str = "home") -> ResourceRef:
    return ResourceRef(group=group, kind=kind, namespace=namespace, name=name)


def node(name: str, *, wave: str = "", after: str = "", names: str = "", **where: str) -> Node:
    marks = {key: value for key, value in ((WAVE, wave), (DEPENDS_ON, after)) if value}
    return Node(ref=ref(name, **where), annotations=marks, names=frozenset(names.split()))


def told(arranged: Arrangement) -> list[str]:
    return [one.message.partition(": ")[2] for one in arranged.mistakes]


def test_without_annotations_there_is_nothing_to_arrange() -> None:
    assert waves.arrange([node("a"), node("b")]) == Arrangement()


def test_waves_are_numbers_and_steps_count_within_one() -> None:
    found = waves.arrange(
        [
            node("a", wave="-1"),
            node("b"),
            node("c", after="configmap/b"),
            node("d", after="ConfigMap/home/c, configmap/b"),
            node("e", wave="2", after="configmap/d"),
        ]
    )
    assert found.mistakes == ()
    assert found.ranks == {
        ref("a"): Rank(wave=-1),
        ref("c"): Rank(depth=1, after=(ref("b"),)),
        ref("d"): Rank(depth=2, after=(ref("c"), ref("b"))),
        ref("e"): Rank(wave=2, after=(ref("d"),)),
    }


def test_a_name_in_its_own_file_is_good_whatever_prefix_the_build_gives_it() -> None:
    found = waves.arrange([node("prod-a", names="a"), node("prod-b", after="configmap/a")])
    assert found.ranks[ref("prod-b")].after == (ref("prod-a"),)


def test_the_name_in_the_build_wins_over_an_earlier_one() -> None:
    found = waves.arrange([node("x-a", names="a"), node("a"), node("b", after="configmap/a")])
    assert found.ranks[ref("b")].after == (ref("a"),)


def test_the_namespace_is_that_of_the_object_or_none() -> None:
    nodes = [
        node("a", namespace="other"),
        node("a"),
        node("n", kind="Namespace", namespace=""),
        node("b", after="configmap/a, namespace/n, configmap/other/a"),
    ]
    assert waves.arrange(nodes).ranks[ref("b")].after == (
        ref("a"),
        ref("n", "Namespace", namespace=""),
        ref("a", namespace="other"),
    )


def test_a_group_tells_kinds_of_one_name_apart() -> None:
    nodes = [
        node("a", kind="Service"),
        node("a", kind="Service", group="serving.example"),
        node("b", after="service/a"),
    ]
    assert told(waves.arrange(nodes)) == ["'service/a' may be any of Service home/a, Service.serving.example home/a"]
    nodes[2] = node("b", after="service.serving.example/a")
    assert waves.arrange(nodes).ranks[ref("b")].after == (ref("a", "Service", group="serving.example"),)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("a", wave="soon")], "'soon' is no wave"),
        ([node("a", wave="1.5")], "'1.5' is no wave"),
        ([node("a", after="b")], "'b' names no object"),
        ([node("a", after="configmap/b")], "'configmap/b' is not there"),
        ([node("a", after="configmap/b"), node("b", namespace="other")], "'configmap/b' is not there"),
        ([node("a", after="configmap/a")], "a circle: ConfigMap home/a depends on ConfigMap home/a"),
        (
            [node("c"), node("b", after="configmap/a"), node("a", after="configmap/b")],
            "a circle: ConfigMap home/a depends on ConfigMap home/b depends on ConfigMap home/a",
        ),
        (
            [node("a", after="configmap/b"), node("b", wave="1")],
            "ConfigMap home/a is in wave 0 and waits for ConfigMap home/b in wave 1",
        ),
        (
            [node("n", kind="Namespace", namespace="", after="configmap/home/a"), node("a")],
            "Namespace n cannot wait for ConfigMap home/a: what it is goes before what that is, always",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_a_mistake_of_the_annotation(nodes: list[Node], words: str) -> None:
    found = waves.arrange(nodes)
    assert told(found) == [words]
    assert found.mistakes[0].hint
    assert found.mistakes[0].pointer in {
        "/metadata/annotations/gitops-worker.io~1wave",
        "/metadata/annotations/gitops-worker.io~1depends-on",
    }


def test_a_long_chain_needs_no_stack() -> None:
    nodes = [node("c0"), *(node(f"c{i}", after=f"configmap/c{i - 1}") for i in range(1, 3000))]
    assert waves.arrange(nodes).ranks[ref("c2999")].depth == 2999


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] > pair[1]), max_size=30))
def test_every_dependency_comes_first(pairs: set[tuple[int, int]]) -> None:
    nodes = [
        node(f"c{i}", after=",".join(f"configmap/c{b}" for a, b in sorted(pairs) if a == i) or "configmap/root")
        for i in range(10)
    ]
    found = waves.arrange([*nodes, node("root")])
    assert found.mistakes == ()
    for a, b in pairs:
        assert found.ranks[ref(f"c{a}")].depth > found.ranks[ref(f"c{b}")].depth
