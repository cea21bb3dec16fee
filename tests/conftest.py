"""Fixtures every layer may use, and how properties are tried."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster.fixtures", "tests.integration.runnerbench"]

# No deadline and no verdict on speed: a machine with other work to do is no reason to fail. A failure prints how to
# reproduce it. 200 examples, the same ones each time: a change is judged by what it changed. `make fuzz` tries others,
# as many as it says.
settings.register_profile(
    "gitops",
    max_examples=int(os.environ.get("GITOPS_FUZZ_EXAMPLES") or 200),
    derandomize="GITOPS_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gitops")
