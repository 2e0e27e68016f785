"""What a host left of a session: its lines read, its figures recomputed, its clock audited."""
