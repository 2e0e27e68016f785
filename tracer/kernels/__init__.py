"""GPU work of any profile: who launched it, under which range, and tables of it."""
