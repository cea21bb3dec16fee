from __future__ import annotations

import pytest

from gitops import convert, errors, yaml
from gitops.convert import chart


def read(text: str) -> convert.Values:
    return convert.read(text.encode(), "values.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "agent:\n  name: a\n",
        "USER-SUPPLIED VALUES:\nagent:\n  name: a\n",
        "\nUSER-SUPPLIED VALUES:  \r\nagent:\n  name: a\n",
        "COMPUTED VALUES:\nagent:\n  name: a\n",
        '{"agent": {"name": "a"}}',
    ],
)
def test_a_values_file_or_what_helm_prints(text: str) -> None:
    assert read(text).text("agent.name") == "a"


@pytest.mark.parametrize("text", ["", "USER-SUPPLIED VALUES:\nnull\n", "USER-SUPPLIED VALUES:\n{}\n", "# nothing\n"])
def test_no_values_are_the_charts_defaults(text: str) -> None:
    values = read(text)
    assert values.text("scriptPods.worker.image.repository") == "octopusdeploy/worker-tools"
    assert not any(values.given(row.path) for row in chart.ROWS)


def test_the_headline_does_not_move_positions() -> None:
    location = read("USER-SUPPLIED VALUES:\nagent:\n  name: a\n").location("agent.name")
    assert str(location) == "values.yaml:3:9"


def test_maps_merge_into_defaults_lists_do_not_and_null_removes() -> None:
    values = read("scriptPods:\n  resources: {requests: {cpu: 1, memory: null}, limits: {cpu: 2}}\n  affinity: null\n")
    resources = yaml.plain(values.mapping("scriptPods.resources"))
    assert resources == {"requests": {"cpu": 1}, "limits": {"cpu": 2}}
    assert values.mapping("scriptPods.affinity") == {}


def test_computed_values_say_only_what_differs_from_the_default() -> None:
    text = "agent:\n  space: Default\n  logLevel: Debug\n"
    computed, supplied = read(f"COMPUTED VALUES:\n{text}"), read(text)
    assert [computed.given(f"agent.{name}") for name in ("space", "logLevel", "name")] == [False, True, False]
    assert [supplied.given(f"agent.{name}") for name in ("space", "logLevel", "name")] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("agent:\n  name: 'a\n", "values.yaml:3:1", "broken"),
        ("- a\n", "values.yaml:1:1", "a values file is a mapping"),
        ("a: 1\n---\nb: 2\n", "values.yaml:3:1", "more than one YAML document"),
        ("apiVersion: v1\nkind: HelmRelease\nspec: {}\n", "values.yaml:1:1", "a Kubernetes object"),
        ("kubernetes-agent: {agent: {}}\n", "values.yaml:1:1", "no key here is one of the chart's"),
        ("agent: name\n", "values.yaml:1:8", "agent must be a mapping"),
        ("agent:\n  worker:\n    initial: [x]\n", "values.yaml:3:5", "agent.worker.initial must be a mapping"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        read(text)
    assert str(caught.value.location) == place
    assert words in caught.value.message


@pytest.mark.parametrize("password", ["*hunter2-secret", "!hunter2-secret x", "&hunter2-secret", "'hunter2-secret"])
def test_a_password_that_breaks_the_yaml_is_not_repeated(password: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        read(f"agent:\n  password: {password}\n  username: [\n")
    error = caught.value
    assert "hunter2" not in f"{error} {error.cause} {error.hint} {error.__cause__}"
    assert error.location is not None


def test_a_number_is_text_as_helm_prints_it() -> None:
    assert read("scriptPods: {worker: {image: {tag: 1.10}}}").text("scriptPods.worker.image.tag") == "1.1"


def test_the_table_has_each_path_once_and_none_inside_another() -> None:
    paths = [row.path for row in chart.ROWS]
    assert len(paths) == len(set(paths))
    assert not [path for path in paths for other in paths if path.startswith(f"{other}.")]
    assert all(row.words for row in chart.ROWS)
