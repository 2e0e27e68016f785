"""What MLPerf Tiny takes as a submission: the rules of a round, the system's description, the evidence; pure."""
