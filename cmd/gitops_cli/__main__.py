"""`python -m gitops_cli`."""

from __future__ import annotations

from gitops_cli.main import main

if __name__ == "__main__":
    main()
