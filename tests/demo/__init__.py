"""`make demo`: the main job on a real cluster, act by act, with real output. Any failed expectation ends it."""
