"""What an inference costs by its model, and what a device could do."""
