"""The device under test: what answers a host, and the run that it records."""
