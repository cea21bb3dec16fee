"""Merging and comparing plain data: strategic merge, list keys, managed fields, JSON Patch. Pure; no Kubernetes client."""
