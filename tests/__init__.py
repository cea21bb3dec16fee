"""The tests; a package only so that `tests.cluster` can be imported and run with `python -m`."""
