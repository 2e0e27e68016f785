"""
Proof of the replay on a real GPU: parts of a program are predicted from its capture, then really left out.

``program`` says what an inference does and what leaving a part out is, as steps of ``tests.simulator``; ``cuda`` runs
these steps by CuPy, the simulator runs them where there is no GPU, and ``judging`` is the same for both.
"""
