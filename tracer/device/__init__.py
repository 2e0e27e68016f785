"""What the device did while a run was recorded: frequencies, temperatures, power."""
