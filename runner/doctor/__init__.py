"""The doctor of the device: one check a line, each fine, a warning or an error with its remedy."""
