"""What would change, as data: `draft` what Git wants against what lives, `settle` it with predictions into a Plan.

Pure: nothing here knows a cluster. `compare` is the only maker of JSON Patches.
"""
