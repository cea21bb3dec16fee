"""Fixtures every layer may use."""

pytest_plugins = ["tests.cluster.fixtures"]
