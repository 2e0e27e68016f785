"""The ladder of runtimes: its rungs, what each step was predicted to give, and what it gave."""
