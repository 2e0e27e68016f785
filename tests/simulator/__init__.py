"""
Programs whose answer is known: a host, streams, events, synchronisations and CUDA graphs, simulated.

``program`` says what an inference does, ``machine`` runs it and notes what a profiler would, ``changes`` takes a part
out, so that the same machine says what that part really gives, and ``export`` writes what was noted as an nsys SQLite
export. It knows nothing of the replay: what the two agree on, neither copied from the other.
"""
