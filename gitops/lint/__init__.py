"""Findings about configuration, each with its place in Git."""
