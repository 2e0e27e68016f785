"""Measured figures, as ratios inside one run; printed as JSON, never a test with a time limit."""
