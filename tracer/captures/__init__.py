"""What profilers recorded of a run: imported, on its clock, and attributed to its inferences."""
