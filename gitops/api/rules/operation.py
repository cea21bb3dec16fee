"""The rules of an Operation."""

from __future__ import annotations

from gitops.api.rules.rule import Rule, count

_FETCHED = {"path": "a", "url": "https://files.example/a", "digest": f"sha256:{'0' * 64}"}

_STAYS_INSIDE = tuple(
    Rule(
        kind="Operation",
        path=f"/spec/{part}/*",
        field="/path",
        cel="!self.path.matches(r'(^|/)\\.{0,2}(/|$)')",
        holds=lambda value: not {"", ".", ".."} & set(value["path"].split("/")),
        message="path stays inside the working directory, without empty, . or .. parts",
        accepts=({"path": "a/.b", **rest}, {"path": "...", **rest}),
        rejects=({"path": "../a", **rest}, {"path": "a/..", **rest}, {"path": "a//b", **rest}),
    )
    for part, rest in (("files", {"text": ""}), ("filesFrom", {"secret": {"name": "s"}}))
)

RULES: tuple[Rule, ...] = (
    Rule(
        kind="Operation",
        path="/spec/env/*",
        cel="[has(self.value), has(self.secret), has(self.configMap)].filter(x, x).size() == 1",
        holds=lambda value: count(value, "value", "secret", "configMap") == 1,
        message="a variable has exactly one of value, secret, configMap",
        accepts=({"name": "A", "value": ""}, {"name": "A", "secret": {"name": "s", "key": "k"}}),
        rejects=({"name": "A"}, {"name": "A", "value": "x", "configMap": {"name": "c", "key": "k"}}),
    ),
    Rule(
        kind="Operation",
        path="/spec/files/*",
        cel="has(self.text) != has(self.base64)",
        holds=lambda value: count(value, "text", "base64") == 1,
        message="a file has exactly one of text, base64",
        accepts=({"path": "a/b", "text": ""}, {"path": "a", "base64": "AAEC"}),
        rejects=({"path": "a"}, {"path": "a", "text": "x", "base64": "AAEC"}),
    ),
    *_STAYS_INSIDE,
    Rule(
        kind="Operation",
        path="/spec/filesFrom/*",
        cel="[has(self.secret), has(self.configMap), has(self.url)].filter(x, x).size() == 1",
        holds=lambda value: count(value, "secret", "configMap", "url") == 1,
        message="filesFrom names exactly one of secret, configMap, url",
        accepts=({"path": "a", "secret": {"name": "s"}}, {"path": "a", "configMap": {"name": "c"}}, _FETCHED),
        rejects=({"path": "a"}, {"path": "a", "secret": {"name": "s"}, "configMap": {"name": "c"}}),
    ),
    Rule(
        kind="Operation",
        path="/spec/filesFrom/*",
        field="/digest",
        cel="has(self.url) == has(self.digest)",
        holds=lambda value: ("url" in value) == ("digest" in value),
        message="a file from a url has a digest, and nothing else has one",
        hint="sha256sum FILE prints it; write sha256: before it",
        accepts=(_FETCHED, {"path": "a", "secret": {"name": "s"}}),
        rejects=(
            {"path": "a", "url": "https://files.example/a"},
            {"path": "a", "secret": {"name": "s"}, "digest": _FETCHED["digest"]},
        ),
    ),
    Rule(
        kind="Operation",
        path="/spec/filesFrom/*",
        cel="(!has(self.executable) || !self.executable || has(self.url))"
        " && (!has(self.keys) || size(self.keys) == 0 || !has(self.url))",
        holds=lambda value: not value.get("keys") if "url" in value else not value.get("executable"),
        message="executable is for a file from a url, keys are for a secret or configMap",
        accepts=({**_FETCHED, "executable": True}, {"path": "a", "secret": {"name": "s"}, "keys": ["k"]}),
        rejects=({**_FETCHED, "keys": ["k"]}, {"path": "a", "secret": {"name": "s"}, "executable": True}),
    ),
    Rule(
        kind="Operation",
        path="/spec",
        cel="self == oldSelf",
        holds=None,
        message="the spec of an operation cannot change: create another operation",
    ),
)
