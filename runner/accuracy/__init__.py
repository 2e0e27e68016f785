"""Why the accuracy of a run or a session is what it is."""
