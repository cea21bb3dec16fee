"""A Worker's pod template, merged into the program's pods."""

from __future__ import annotations

import copy

from gitops import errors
from gitops.expand.expanded import Context
from gitops.expand.installation import Program
from gitops.merge import schema, strategic
from gitops.objects import Manifest


def merged(template: Manifest, program: Program, context: Context) -> Manifest:
    """The pod template with the Worker's own merged in (strategic merge).

    Raises:
        ConfigError: it does not fit, or changes the labels by which the Deployment knows its pods.
    """
    patch = program.manifest["spec"].get("podTemplate")
    if not patch:
        return template
    try:
        # merge uses up both of its arguments.
        result = strategic.merge(copy.deepcopy(template), copy.deepcopy(patch), schema.builtin(), "PodTemplateSpec")
    except strategic.MergeError as error:
        pointer = "".join(f"/{part}" for part in error.path)
        raise _wrong(program, context, pointer, "does not fit a pod", cause=error.message) from error
    if not isinstance(result, dict):
        raise _wrong(program, context, "", "removes the whole pod")
    wanted = template["metadata"]["labels"]
    labels = (result.get("metadata") or {}).get("labels") or {}
    for name, value in wanted.items():
        if labels.get(name) != value:
            raise _wrong(
                program, context, "/metadata/labels", f"changes the label {name}", cause="the program needs it"
            )
    return result


def _wrong(program: Program, context: Context, pointer: str, what: str, *, cause: str = "") -> errors.ConfigError:
    where = context.locate(program.ref, f"/spec/podTemplate{pointer}")
    message = f"the podTemplate of Worker {program.ref.name} {what}"
    return errors.ConfigError(message, cause=cause, location=where, ref=program.ref)
