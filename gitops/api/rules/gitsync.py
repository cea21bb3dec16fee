"""The rules of a GitSync."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitops.api.rules.rule import Rule, count


def _verifies_what_it_follows(source: Mapping[str, Any]) -> bool:
    if (source.get("verify") or {}).get("mode") != "tag":
        return True
    return any(name in (source.get("ref") or {}) for name in ("tag", "semver"))


_SOURCE: tuple[Rule, ...] = (
    Rule(
        kind="GitSync",
        path="/spec/source/ref",
        cel="[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(x, x).size() == 1",
        holds=lambda value: count(value, "branch", "tag", "semver", "commit") == 1,
        message="ref names exactly one of branch, tag, semver, commit",
        accepts=({"branch": "main"}, {"tag": "v1"}, {"semver": "^1.2"}, {"commit": "0" * 40}),
        rejects=({}, {"branch": "main", "tag": "v1"}, {"tag": "v1", "semver": "1.x"}),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source/url",
        cel="!self.matches('^(https|file)://[^/]*@') && !self.matches('^ssh://[^/]*:[^/]*@')",
        holds=lambda value: re.match(r"^((https|file)://[^/]*@|ssh://[^/]*:[^/]*@)", value) is None,
        message="a URL never holds credentials",
        hint="put them into a Secret and name it in spec.source.credentials",
        accepts=(
            "https://git.example/team/config.git",
            "https://git.example/a@b.git",
            "file:///srv/config.git",
        ),
        rejects=(
            "https://user:pass@git.example/config.git",
            "https://token@git.example/config.git",
            "ssh://git:pass@git.example/config.git",
        ),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/credentials",
        cel="!self.url.startsWith('ssh://') || has(self.credentials)",
        holds=lambda value: not value.get("url", "").startswith("ssh://") or "credentials" in value,
        message="ssh needs credentials",
        hint="name a Secret with `identity` and `known_hosts`",
        accepts=({"url": "ssh://git@git.example:2222/x.git", "credentials": {"name": "key"}}, {"url": "https://a/b"}),
        rejects=({"url": "ssh://git@git.example/x.git"},),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/proxy",
        cel="!has(self.proxy) || self.url.startsWith('https://')",
        holds=lambda value: "proxy" not in value or value.get("url", "").startswith("https://"),
        message="a proxy goes with an https:// URL",
        accepts=({"url": "https://git.example/x.git", "proxy": {"name": "proxy"}}, {"url": "file:///srv/x.git"}),
        rejects=({"url": "file:///srv/x.git", "proxy": {"name": "proxy"}},),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/verify/mode",
        cel="!has(self.verify) || !has(self.verify.mode) || self.verify.mode != 'tag'"
        " || (has(self.ref) && (has(self.ref.tag) || has(self.ref.semver)))",
        holds=_verifies_what_it_follows,
        message="verify.mode: tag needs ref.tag or ref.semver",
        hint="a branch has no tag to verify: mode: head verifies the commit",
        accepts=(
            {"url": "https://a/b", "ref": {"semver": "1.x"}, "verify": {"mode": "tag", "secret": {"name": "keys"}}},
            {"url": "https://a/b", "verify": {"secret": {"name": "keys"}}},
        ),
        rejects=(
            {"url": "https://a/b", "ref": {"branch": "main"}, "verify": {"mode": "tag", "secret": {"name": "keys"}}},
        ),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source/verify",
        cel="has(self.secret) != has(self.configMap)",
        holds=lambda value: count(value, "secret", "configMap") == 1,
        message="verify names exactly one of secret, configMap",
        accepts=({"secret": {"name": "keys"}}, {"configMap": {"name": "keys"}}),
        rejects=({}, {"secret": {"name": "keys"}, "configMap": {"name": "keys"}}),
    ),
)

RULES: tuple[Rule, ...] = (
    *_SOURCE,
    Rule(
        kind="GitSync",
        path="/spec/source/path",
        cel="!self.matches(r'^/|(^|/)\\.\\.(/|$)')",
        holds=lambda value: not value.startswith("/") and ".." not in value.split("/"),
        message="path is relative to the repository's root and stays inside it",
        accepts=("overlays/dev", "", "a..b", "...", "x/.../y"),
        rejects=("/overlays", "../other", "overlays/../../x"),
    ),
)
