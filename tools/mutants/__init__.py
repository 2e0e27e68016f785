"""``make mutants``: small changes of ``tracer/``, each against the tests that import what was changed."""
