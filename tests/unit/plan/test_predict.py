"""The offline predictor and what it reads from managedFields; the real server is its oracle in tests/integration."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.objects import Manifest
from gitops.plan import compare, normal, predict
from tests.unit.plan import made

K = 'k:{"name":"%s"}'
PORT = 'k:{"containerPort":%d,"protocol":"%s"}'


def _spec(spec: Any, fields: Any, *others: Any) -> Manifest:
    """A live object with this spec, of which we own `fields`."""
    return made.live(made.of_kind("Thing", spec=spec), made.entry({"f:spec": fields}), *others)


def _predicted(live: Manifest, spec: Any) -> Any:
    wanted = made.of_kind("Thing", spec=spec)
    before = copy.deepcopy(live)
    found = predict.predict(wanted, live)
    assert live == before
    return found.get("spec")


def test_nothing_to_do_gives_the_very_object() -> None:
    live = made.applied(made.config_map(data={"a": "1"}))
    assert predict.predict(made.config_map(data={"a": "1"}), live) is live
    assert predict.owns_all(made.config_map(data={"a": "1"}), live)


def test_what_others_added_stays_and_what_we_no_longer_want_goes() -> None:
    live = _spec(
        {"a": 1, "b": 2, "c": 3, "d": {"e": 1}},
        {"f:a": {}, "f:b": {}, "f:d": {"f:e": {}}},
        made.entry({"f:spec": {"f:c": {}}}, "other", "Update"),
    )
    assert _predicted(live, {"a": 1}) == {"a": 1, "c": 3}


def test_what_we_no_longer_want_and_another_manager_applied_too_stays() -> None:
    live = _spec({"a": 1, "b": 2}, {"f:a": {}, "f:b": {}}, made.entry({"f:spec": {"f:b": {}}}, "other"))
    assert _predicted(live, {"a": 1}) == {"a": 1, "b": 2}


@pytest.mark.parametrize("value", [{}, [], "", None, False, 0])
def test_an_empty_value_the_server_left_out_is_no_difference_once_applied(value: Any) -> None:
    live = _spec({"a": 1}, {"f:a": {}, "f:b": {}})
    assert predict.predict(made.of_kind("Thing", spec={"a": 1, "b": value}), live) is live


def test_a_value_that_never_was_applied_is_a_difference() -> None:
    live = _spec({"a": 1}, {"f:a": {}})
    assert _predicted(live, {"a": 1, "b": False}) == {"a": 1, "b": False}


def test_quantities_compare_as_numbers_where_the_kind_has_quantities() -> None:
    fields = {"f:resources": {"f:limits": {"f:cpu": {}}}, "f:note": {"f:cpu": {}}}
    live = _spec({"resources": {"limits": {"cpu": "1"}}, "note": {"cpu": "1"}}, fields)
    assert _predicted(live, {"resources": {"limits": {"cpu": "1000m"}}, "note": {"cpu": "1"}}) == live["spec"]
    assert _predicted(live, {"resources": {"limits": {"cpu": "1"}}, "note": {"cpu": "1000m"}})["note"]["cpu"] == "1000m"


def test_true_is_not_one() -> None:
    live = _spec({"a": 1}, {"f:a": {}})
    assert _predicted(live, {"a": True})["a"] is True


def test_items_of_a_keyed_list_merge_by_their_key() -> None:
    fields: made.Fields = {"f:items": {K % "a": {".": {}, "f:name": {}, "f:v": {}}, K % "b": {".": {}, "f:name": {}}}}
    live = _spec({"items": [{"name": "a", "v": 1, "default": 9}, {"name": "b"}]}, fields)
    assert _predicted(live, {"items": [{"name": "a", "v": 2}]}) == {"items": [{"name": "a", "v": 2, "default": 9}]}


def test_a_composite_key_with_a_default_in_it() -> None:
    """A port without protocol is the TCP one: another of the same number beside it must not be touched."""
    fields: made.Fields = {"f:ports": {PORT % (53, "TCP"): {".": {}, "f:containerPort": {}}}}
    others = made.entry({"f:spec": {"f:ports": {PORT % (53, "UDP"): {".": {}, "f:containerPort": {}}}}}, "other")
    ports = [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]
    live = _spec({"ports": ports}, fields, others)
    assert predict.predict(made.of_kind("Thing", spec={"ports": [{"containerPort": 53}]}), live) is live
    assert _predicted(live, {"ports": []}) == {"ports": ports[1:]}
    assert _predicted(live, {"ports": [{"containerPort": 53, "name": "dns"}]})["ports"][0] == {
        "containerPort": 53,
        "protocol": "TCP",
        "name": "dns",
    }


def test_an_item_that_is_one_value_is_replaced_as_one() -> None:
    live = _spec({"vars": [{"name": "a", "e": "1", "x": 1}]}, {"f:vars": {K % "a": {}}})
    assert _predicted(live, {"vars": [{"name": "a", "e": "2"}]}) == {"vars": [{"name": "a", "e": "2"}]}


def test_a_set_keeps_what_others_put_into_it() -> None:
    live = _spec(
        {"set": ["theirs", "ours", "old"]},
        {"f:set": {'v:"ours"': {}, 'v:"old"': {}}},
        made.entry({"f:spec": {"f:set": {'v:"theirs"': {}}}}, "other"),
    )
    assert _predicted(live, {"set": ["ours", "new"]}) == {"set": ["theirs", "ours", "new"]}


def test_a_value_merged_as_one_may_hold_defaults() -> None:
    live = _spec({"ports": [{"port": 80, "protocol": "TCP"}]}, {"f:ports": {}})
    assert predict.predict(made.of_kind("Thing", spec={"ports": [{"port": 80}]}), live) is live
    assert _predicted(live, {"ports": [{"port": 81}]}) == {"ports": [{"port": 81}]}
    assert _predicted(live, {"ports": [{"port": 80, "protocol": "UDP"}]})["ports"][0]["protocol"] == "UDP"


def test_another_hand_in_a_value_merged_as_one_is_seen() -> None:
    live = _spec(
        {"selector": {"app": "a", "more": "x"}},
        {},
        made.entry({"f:spec": {"f:selector": {}}}, "kubectl-edit", "Update"),
    )
    assert _predicted(live, {"selector": {"app": "a"}}) == {"selector": {"app": "a"}}


def test_an_empty_selector_is_no_default_to_be_filled_in() -> None:
    live = _spec({"selector": {"app": "a"}, "rollingUpdate": {"max": 1}}, {"f:selector": {}, "f:rollingUpdate": {}})
    assert _predicted(live, {"selector": {}, "rollingUpdate": {}}) == {"selector": {}, "rollingUpdate": {"max": 1}}


def test_labels_nobody_owns_stay() -> None:
    """A namespace has one from the server itself."""
    live = made.live(made.of_kind("Namespace", namespace="", metadata={"name": "x", "labels": {"server": "x"}}))
    wanted = made.of_kind("Namespace", namespace="", metadata={"name": "x", "labels": {"ours": "y"}})
    assert predict.predict(wanted, live)["metadata"]["labels"] == {"server": "x", "ours": "y"}


def test_status_is_nobodys_business() -> None:
    entry = made.entry({"f:status": {"f:phase": {}}}, "kubelet", "Update", subresource="status")
    live = {**made.applied(made.config_map()), "status": {"phase": "x"}}
    live["metadata"]["managedFields"].append(entry)
    assert predict.predict(made.config_map(), live) is live


def test_ownership_lost_to_another_hand_is_seen_though_the_value_is_as_wanted() -> None:
    live = made.live(
        made.config_map(data={"a": "1", "b": "1"}),
        made.entry({"f:data": {"f:b": {}}}),
        made.entry({"f:data": {"f:a": {}}}, "kubectl-edit", "Update"),
    )
    wanted = made.config_map(data={"a": "1", "b": "1"})
    assert predict.predict(wanted, live) is live
    assert not predict.owns_all(wanted, live)


def test_an_object_of_which_nothing_can_be_owned_is_ours_as_it_is() -> None:
    account = made.of_kind("ServiceAccount")
    assert predict.owns_all(account, made.live(account))


def _merged(left: str, right: str) -> str:
    return "".join(left[i] if j < 0 else right[j] for i, j in predict.interleave(left, right))


@pytest.mark.parametrize(
    ("left", "right", "merged"),
    [
        ("abc", "abc", "abc"),
        ("abc", "", "abc"),
        ("", "abc", "abc"),
        ("abc", "cba", "cba"),
        ("axb", "ba", "xba"),
        ("abx", "ab", "abx"),
        ("xab", "ab", "xab"),
        ("ab", "anb", "anb"),
        ("axb", "anb", "axnb"),
    ],
)
def test_lists_merge_in_the_servers_order(left: str, right: str, merged: str) -> None:
    """The integration tests try the same cases on an API server."""
    assert _merged(left, right) == merged


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_property_a_merged_list_has_everything_once_and_the_right_ones_order(left: list[str], right: list[str]) -> None:
    merged = _merged("".join(left), "".join(right))
    assert sorted(merged) == sorted({*left, *right})
    assert [one for one in merged if one in right] == right
    assert [one for one in merged if one not in right] == [one for one in left if one not in right]


VALUES = st.sampled_from(["1", "2", ""])


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("abc"), VALUES))
def test_property_after_an_apply_nothing_is_left_to_do(before: dict[str, str], after: dict[str, str]) -> None:
    live = made.applied(made.config_map(data=before))
    wanted = made.config_map(data=after)
    reached = predict.predict(wanted, live)
    assert reached.get("data", {}) == after
    again = made.applied({**wanted, **({"data": reached["data"]} if "data" in reached else {})})
    assert compare.compare(again, predict.predict(wanted, again)) == ()


def test_secrets_are_spelled_as_data() -> None:
    wanted = {**made.secret({"a": "b2xk"}), "stringData": {"a": "new", "b": ""}, "status": {}}
    assert normal.normalise(wanted) == made.secret({"a": "bmV3", "b": ""})


def test_numbers_become_the_text_the_server_wants_only_where_it_holds_quantities() -> None:
    wanted = made.of_kind("Pod", spec={"containers": [{"resources": {"limits": {"cpu": 2, "m": 0.5}}}], "priority": 3})
    spelled = normal.normalise(wanted)
    assert spelled["spec"] == {"containers": [{"resources": {"limits": {"cpu": "2", "m": "0.5"}}}], "priority": 3}
    foreign = made.of_kind("Thing", api_version="example.org/v1", spec={"limits": {"max": 5}, "n": None})
    assert normal.normalise(foreign) == foreign


def test_defaults_in_a_definition_are_not_touched() -> None:
    schema = {"properties": {"limits": {"default": {"max": 5}, "nullable": None}}}
    wanted = made.of_kind("CustomResourceDefinition", api_version="apiextensions.k8s.io/v1", namespace="", spec=schema)
    assert normal.normalise(wanted) == wanted


def test_what_its_controller_writes_and_what_is_null_goes() -> None:
    role = made.of_kind(
        "ClusterRole", api_version="rbac.authorization.k8s.io/v1", namespace="", rules=[], aggregationRule={"a": 1}
    )
    role["metadata"] |= {"creationTimestamp": None, "labels": None}
    spelled = normal.normalise(role)
    assert "rules" not in spelled
    assert spelled["metadata"] == {"name": "x"}
