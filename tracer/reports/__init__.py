"""Figures of runs and of measurements as JSON, as text, as comparisons and as traces."""
