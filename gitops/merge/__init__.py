"""Merging and comparing plain data: strategic merge, list keys, JSON Patch. Pure; no Kubernetes client."""
