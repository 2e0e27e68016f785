"""``python -m runner``: the command line, where the script ``kws-trace`` is not on the path."""

from runner.cli import main

main()
