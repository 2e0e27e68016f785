"""Whether a rate can be believed: one judgement, of a run and of a host's session."""
