"""Who owns each nanosecond of an inference, and what removing a part would give."""
