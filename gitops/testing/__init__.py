"""Fakes of the ports, shipped and held to the same contract as the real thing."""
