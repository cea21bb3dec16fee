"""From an operation and its pool to a pod, and from what a pod shows to what became of the operation. Pure.

`render.pod` makes the manifest, `stage.of` reads where a pod stands, `outcome.of` decides how it ended.
"""
