"""One module a sub-command; each imports what is heavy inside its function, so that help stays fast."""
