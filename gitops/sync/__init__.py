"""One pass from a tree of files to a cluster that says the same: desired, live, predict, settle, execute, wait.

The command line and the reconciler run the same pass. Everything outside comes in through ports.
"""
