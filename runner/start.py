"""
Starts a module of ours as ``python -m MODULE`` does, but nothing that lies in the current folder is imported.

``python -m`` puts that folder first on the path of imports, and so would run a ``typer.py`` that lies there. It is
called as ``python .../runner/start.py [-C FOLDER] MODULE ARGUMENTS``, and works in that folder;
``runner.children.module_command`` makes the line.
"""

import os
import sys


def main() -> None:
    """Take this script's folder from the path, put what holds our packages on it, and run the module."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 -- what comes with Python, loaded already
    root = os.path.dirname(folder)  # noqa: PTH120
    kept = [path for path in sys.path if path != folder]
    sys.path[:] = kept if root in kept else [root, *kept]
    del sys.argv[0]
    if sys.argv[0] == "-C":
        os.chdir(sys.argv[1])
        del sys.argv[:2]
    from runner.leaving import leave_on_signals

    leave_on_signals()
    import runpy

    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
