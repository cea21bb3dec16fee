"""What operations use, kept small enough to live in a pool's status, and what their pool should ask for instead."""
