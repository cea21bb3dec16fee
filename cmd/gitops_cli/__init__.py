"""The `gitops` program: one module per command, loaded when it is used. It parses, wires adapters and prints.

`cmd/` above is a source root and no package: an `__init__.py` there would hide the standard library's `cmd` from pdb.
"""
