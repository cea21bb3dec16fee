"""Build hook: the in-pod runner is compiled from C for both architectures and shipped inside the package."""
