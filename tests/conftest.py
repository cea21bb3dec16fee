"""Fixtures every layer may use, and how properties are tried."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster.fixtures"]

# No deadline and no verdict on speed: a machine with other work to do is no reason to fail. A failure prints how to
# reproduce it. 200 examples, as many as `make fuzz` says there.
settings.register_profile(
    "gitops",
    max_examples=int(os.environ.get("GITOPS_FUZZ_EXAMPLES") or 200),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gitops")
