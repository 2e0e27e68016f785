"""``python -m runner``: the command line, where the script ``kws-trace`` is not on the path."""

import os
import sys

# Python put the current folder first. Where we do not lie in it, nothing that does is ours to import.
_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 -- what is loaded already
if _root != sys.path[0] == os.getcwd():  # noqa: PTH109
    del sys.path[0]

from runner.program import main  # noqa: E402 -- after the folder is off the path

main()
