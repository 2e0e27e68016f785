"""The same weights on every runtime that is installed, timed in turn in one process."""
