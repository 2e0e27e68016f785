"""Runs on disk: written, opened, listed, and what a profiler captured taken into them."""
