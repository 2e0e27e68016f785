"""How often intervals cover the truth, by simulation: ``make coverage-of-intervals``."""
