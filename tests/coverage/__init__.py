"""How often intervals cover the truth, by simulation: ``python -m tests.coverage`` (``make coverage-of-intervals``)."""
