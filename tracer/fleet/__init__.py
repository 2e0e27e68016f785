"""Many runs at once: a row a run, and the questions that a lab has of all of them."""
