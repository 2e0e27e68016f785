"""What an accuracy pass's numbers say alone, and which mistake reproduces them: pure, without a runtime."""
