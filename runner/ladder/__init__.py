"""The ladder: the rungs that this machine has, each launched as a device under test, round by round."""
