"""Measurements of this machine: runtimes beside one another, what profiling adds, how fast bytes move."""
