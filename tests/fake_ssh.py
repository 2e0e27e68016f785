"""
An ``ssh`` that runs the command here, as the login shell there would: ``python fake_ssh.py OPTIONS HOST COMMAND``.

``CUT_AFTER`` bytes of all that it ever said (counted in ``SAID_FILE``) the connection ends, and who asked for it
is killed with ``PULL_PID_FILE``.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path


def main() -> int:
    words = sys.argv[1:]
    while words[0].startswith("-"):
        words = words[2:] if words[0] == "-l" else words[1:]
    if words[0] == "nohost":
        print("ssh: Could not resolve hostname nohost: Name or service not known", file=sys.stderr)
        return 255
    home = os.environ["FAKE_HOME"]
    child = subprocess.Popen(["sh", "-c", " ".join(words[1:])], cwd=home, stdout=subprocess.PIPE)
    said, cut = Path(os.environ["SAID_FILE"]), int(os.environ.get("CUT_AFTER", str(1 << 60)))
    try:
        while chunk := os.read(child.stdout.fileno(), 4096):
            before = int(said.read_text() or 0) if said.exists() else 0
            said.write_text(str(before + len(chunk)))
            if before + len(chunk) > cut:
                return ended()
            os.write(1, chunk)
    finally:
        child.stdout.close()
    return child.wait()


def ended() -> int:
    if "PULL_PID_FILE" in os.environ:
        os.kill(int(Path(os.environ["PULL_PID_FILE"]).read_text()), signal.SIGKILL)
    print("Connection to board closed by remote host.", file=sys.stderr)
    return 255


if __name__ == "__main__":
    sys.exit(main())
