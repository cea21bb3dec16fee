"""Health of one object, from the object alone: a table of small rules."""

from gitops.health.compute import Health, Verdict, of

__all__ = ["Health", "Verdict", "of"]
