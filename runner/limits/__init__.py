"""What one inference costs, and what this machine could do."""
