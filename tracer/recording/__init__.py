"""What happens while inferences run: the timed loop, its NVTX ranges, and a window as it was recorded."""
