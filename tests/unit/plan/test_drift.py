"""Drift: what differs, who did it, how bad it is."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.objects import Manifest
from gitops.plan import attribution, drift
from gitops.plan.compare import ABSENT
from gitops.plan.drift import Manner, Severity
from gitops.report import drifts
from tests.unit.plan import made

EDIT = "kubectl-edit"
APPS = "apps/v1"
RBAC = "rbac.authorization.k8s.io/v1"


def _found(wanted: Manifest, *live: Manifest) -> list[tuple[str, Manner, Any, Any, list[tuple[str, bool]]]]:
    return [
        (one.path, one.manner, one.desired, one.live, [(owner.manager, owner.certain) for owner in one.owners])
        for one in drift.find([made.desired(wanted)], made.world(*live))
    ]


def test_what_is_as_wanted_is_no_drift() -> None:
    assert _found(made.config_map(), made.applied(made.config_map())) == []


def test_a_missing_object() -> None:
    (found,) = drift.find([made.desired(made.config_map())], {})
    assert (found.path, found.manner, found.severity) == ("", Manner.MISSING, Severity.SECURITY)


def test_a_changed_value_has_the_manager_who_owns_it_now() -> None:
    live = made.live(made.config_map(data={"a": "2"}), made.entry({"f:data": {"f:a": {}}}, EDIT, "Update"))
    assert _found(made.config_map(), live) == [("/data/a", Manner.CHANGED, "1", "2", [(EDIT, True)])]


def test_a_removed_value_has_candidates_only_latest_first() -> None:
    ours = made.entry({"f:data": {"f:a": {}}})
    first = {**made.entry({"f:metadata": {}}, "early", "Update"), "time": "2026-01-01T00:00:00Z"}
    second = {**made.entry({"f:data": {}}, "late", "Update"), "time": "2026-01-02T00:00:00Z"}
    live = made.live(made.config_map(data={"a": "1"}), ours, first, second)
    assert _found(made.config_map(data={"a": "1", "b": "1"}), live) == [
        ("/data/b", Manner.REMOVED, "1", ABSENT, [("late", False), ("early", False)])
    ]


def test_a_scale_subresource_is_a_hand_too() -> None:
    wanted = made.of_kind("Deployment", api_version=APPS, spec={"replicas": 1})
    scaled = made.entry({"f:spec": {"f:replicas": {}}}, "hpa", "Update", subresource="scale")
    live = made.live({**wanted, "spec": {"replicas": 3}}, scaled)
    (found,) = drift.find([made.desired(wanted)], made.world(live))
    assert found.severity is Severity.CAPACITY
    assert found.owners[0].manager == "hpa"


def test_a_manager_that_only_wrote_status_is_no_candidate() -> None:
    live = made.live(made.config_map(data={}), made.entry({"f:status": {}}, "kubelet", "Update", subresource="status"))
    ((_, _, _, _, owners),) = _found(made.config_map(), live)
    assert owners == []


CONTAINER = {"name": "main", "image": "i"}
POD_FIELDS: made.Fields = {"f:containers": {'k:{"name":"main"}': {".": {}, "f:name": {}, "f:image": {}}}}


def _deployment(spec: dict[str, Any]) -> Manifest:
    return made.of_kind("Deployment", api_version=APPS, spec={"template": {"spec": spec}})


def _entry(fields: dict[str, Any], *who: str) -> dict[str, Any]:
    return made.entry({"f:spec": {"f:template": {"f:spec": fields}}}, *who)


def test_a_container_somebody_added_is_named_once_with_its_content() -> None:
    side = {"name": "side", "image": "evil", "securityContext": {"privileged": True}}
    item: made.Fields = {".": {}, "f:name": {}, "f:image": {}, "f:securityContext": {}}
    added: made.Fields = {"f:containers": {'k:{"name":"side"}': item}}
    live = made.live(
        _deployment({"containers": [CONTAINER, side], "hostNetwork": True}),
        _entry(POD_FIELDS),
        _entry({**added, "f:hostNetwork": {}}, EDIT, "Update"),
    )
    assert _found(_deployment({"containers": [CONTAINER]}), live) == [
        ("/spec/template/spec/containers/1", Manner.ADDED, ABSENT, side, [(EDIT, True)]),
        ("/spec/template/spec/hostNetwork", Manner.ADDED, ABSENT, True, [(EDIT, True)]),
    ]


def test_a_field_added_to_our_own_container_is_named_by_itself() -> None:
    more: made.Fields = {"f:containers": {'k:{"name":"main"}': {"f:tty": {}}}}
    live = made.live(
        _deployment({"containers": [{**CONTAINER, "tty": True}]}),
        _entry(POD_FIELDS),
        _entry(more, EDIT, "Update"),
    )
    assert [one[0] for one in _found(_deployment({"containers": [CONTAINER]}), live)] == [
        "/spec/template/spec/containers/0/tty"
    ]


def test_an_item_in_front_does_not_shift_the_blame() -> None:
    front = {"name": "front", "image": "x"}
    others: made.Fields = {
        "f:containers": {
            'k:{"name":"front"}': {".": {}, "f:name": {}, "f:image": {}},
            'k:{"name":"main"}': {"f:image": {}},
        }
    }
    live = made.live(
        _deployment({"containers": [front, {**CONTAINER, "image": "theirs"}]}),
        _entry({"f:containers": {'k:{"name":"main"}': {".": {}, "f:name": {}}}}),
        _entry(others, EDIT, "Update"),
    )
    found = _found(_deployment({"containers": [CONTAINER]}), live)
    assert ("/spec/template/spec/containers/1/image", Manner.CHANGED, "i", "theirs", [(EDIT, True)]) in found


def test_fields_others_add_elsewhere_are_their_affair() -> None:
    live = made.live(
        made.config_map(data={"a": "1", "theirs": "x"}, annotations={"x": "y"}),
        made.entry({"f:data": {"f:a": {}}}),
        made.entry({"f:data": {"f:theirs": {}}, "f:metadata": {"f:annotations": {"f:x": {}}}}, "other", "Update"),
    )
    assert _found(made.config_map(), live) == []


def test_rules_of_a_role_that_others_wrote_are_drift_unless_their_controller_does() -> None:
    whole = made.of_kind("ClusterRole", api_version=RBAC, namespace="", aggregationRule={"x": 1})
    rules = [{"verbs": ["*"]}]
    controller = made.entry({"f:rules": {}}, "clusterrole-aggregation-controller")
    ours = made.entry({"f:aggregationRule": {"f:x": {}}})
    assert _found(whole, made.live({**whole, "rules": rules}, ours, controller)) == []
    plain = made.of_kind("ClusterRole", api_version=RBAC, namespace="")
    edit = made.entry({"f:rules": {}}, EDIT, "Update")
    assert _found(plain, made.live({**plain, "rules": rules}, edit)) == [
        ("/rules", Manner.ADDED, ABSENT, rules, [(EDIT, True)])
    ]


def test_an_object_that_is_being_deleted_is_drift() -> None:
    (found,) = _found(made.config_map(), made.applied(made.config_map(), deletionTimestamp=made.TIME))
    assert found == ("/metadata/deletionTimestamp", Manner.ADDED, ABSENT, made.TIME, [])


@pytest.mark.parametrize(
    ("wanted", "changed", "severity"),
    [
        (made.config_map(labels={"a": "1"}), {"labels": {"a": "2"}}, Severity.COSMETIC),
        (
            made.of_kind("Namespace", namespace=""),
            {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            Severity.SECURITY,
        ),
    ],
)
def test_metadata_is_cosmetic_unless_it_decides(wanted: Manifest, changed: dict[str, Any], severity: Severity) -> None:
    wanted = {**wanted, "metadata": {**wanted["metadata"], "labels": dict.fromkeys(changed["labels"], "ours")}}
    live = made.live({**wanted, "metadata": {**wanted["metadata"], **changed}})
    assert [one.severity for one in drift.find([made.desired(wanted)], made.world(live))] == [severity]


@pytest.mark.parametrize(
    ("manifest", "path", "severity"),
    [
        (("Role", RBAC), ("rules", [{"resources": ["pods"]}], [{"resources": ["secrets"]}]), Severity.SECURITY),
        (("WorkerPool", "gitops-worker.io/v1alpha1"), ("maxOperations", 1, 2), Severity.CAPACITY),
        (("WorkerPool", "gitops-worker.io/v1alpha1"), ("image", "a", "b"), Severity.SECURITY),
        (("ResourceQuota", "v1"), ("hard", {"pods": "1"}, {"pods": "2"}), Severity.CAPACITY),
        (("ConfigMap", "v1"), ("data", {"script": "a"}, {"script": "b"}), Severity.SECURITY),
    ],
)
def test_severity(manifest: tuple[str, str], path: tuple[str, Any, Any], severity: Severity) -> None:
    (kind, version), (field, ours, theirs) = manifest, path
    wanted, live = (made.of_kind(kind, api_version=version, **{field: value}) for value in (ours, theirs))
    found = drift.find([made.desired(wanted)], made.world(made.live(live)))
    assert {one.severity for one in found} == {severity}


def test_ours_is_told_from_theirs() -> None:
    live = made.live(
        made.config_map(data={"a": "1", "b": "1"}),
        made.entry({"f:data": {"f:a": {}}}),
        made.entry({"f:data": {"f:b": {}}}, EDIT, "Update"),
    )
    assert attribution.is_ours(live, "/data/a")
    assert not attribution.is_ours(live, "/data/b")
    assert attribution.owner_of(live, "/data/none") is None


def test_the_report_names_path_hand_and_both_values_and_never_a_secret() -> None:
    canary = "Y2FuYXJ5LXZhbHVl"
    wanted = made.secret({"token": canary, "same": canary})
    edit = made.entry({"f:data": {"f:token": {}}}, EDIT, "Update")
    live = made.live(made.secret({"token": "b3RoZXI=", "same": canary}), made.entry({"f:data": {"f:same": {}}}), edit)
    found = drift.find([made.desired(wanted), made.desired(made.config_map())], made.world(live))
    report = drifts.report(found, {}, header=("dev", "home", "r1"), compared=2, salt="salt")
    text = "\n".join(drifts.lines(report))
    assert "/data/token" in text
    assert f"by {EDIT} (Update, {made.TIME})" in text
    assert "ConfigMap home/a" in text
    for hidden in (canary, "b3RoZXI="):
        assert hidden not in text
        assert hidden not in str(report)
    assert report.drift[0].manager == EDIT
    assert str(report.drift[0].desired).startswith("sha256:")


RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
THEIR_RULES = made.entry({"f:rules": {}}, EDIT, "Update")


def test_rules_that_somebody_wrote_and_wrote_back_are_no_drift() -> None:
    wanted = made.of_kind("Role", api_version=RBAC, rules=RULES)
    assert _found(wanted, made.live(wanted, THEIR_RULES)) == []


def test_a_rule_somebody_added_is_told_once() -> None:
    wanted = made.of_kind("Role", api_version=RBAC, rules=RULES)
    more = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
    found = _found(wanted, made.live({**wanted, "rules": [*RULES, more]}, THEIR_RULES))
    assert [(path, manner) for path, manner, *_ in found] == [("/rules/1", Manner.ADDED)]


def test_arguments_of_a_container_that_are_as_wanted_are_no_addition_though_others_wrote_them() -> None:
    spec = {"containers": [{"name": "side", "image": "s"}, {**CONTAINER, "args": ["a", "b"]}]}
    wanted = _deployment(spec)
    theirs = _entry({"f:containers": {'k:{"name":"main"}': {"f:args": {}}}}, EDIT, "Update")
    assert _found(wanted, made.live(wanted, _entry(POD_FIELDS), theirs)) == []


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        (made.of_kind("Namespace", namespace=""), "pod-security.kubernetes.io/enforce"),
        (made.of_kind("ClusterRole", api_version=RBAC, namespace=""), "rbac.authorization.k8s.io/aggregate-to-edit"),
    ],
)
def test_a_label_somebody_added_that_decides_who_may_do_what(wanted: Manifest, label: str) -> None:
    live = {**wanted, "metadata": {**wanted["metadata"], "labels": {label: "x", "team": "t"}}}
    theirs = made.entry({"f:metadata": {"f:labels": {f"f:{label}": {}, "f:team": {}}}}, EDIT, "Update")
    (found,) = drift.find([made.desired(wanted)], made.world(made.live(live, theirs)))
    assert (found.path, found.severity) == (f"/metadata/labels/{label.replace('/', '~1')}", Severity.SECURITY)


def test_a_debugging_container_in_a_pod_is_an_addition_and_its_node_is_none() -> None:
    wanted = made.of_kind("Pod", spec={"containers": [CONTAINER]})
    spy = {"name": "spy", "image": "s"}
    live = {**wanted, "spec": {**wanted["spec"], "nodeName": "n", "ephemeralContainers": [spy]}}
    debug: dict[str, Any] = {
        "f:spec": {"f:ephemeralContainers": {".": {}, 'k:{"name":"spy"}': {".": {}, "f:name": {}, "f:image": {}}}}
    }
    bound = made.entry({"f:spec": {"f:nodeName": {}}}, "kube-scheduler", "Update")
    entry = made.entry(debug, "kubectl-debug", "Update", subresource="ephemeralcontainers")
    found = _found(wanted, made.live(live, bound, entry))
    assert [(path, manner) for path, manner, *_ in found] == [("/spec/ephemeralContainers", Manner.ADDED)]
