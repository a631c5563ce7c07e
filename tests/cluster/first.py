"""The first process of a host made of namespaces: covers folders, and when its stdin ends, the host ends.

    python -I -S first.py NAME FOLDER…

Process 1 of its process namespace: the kernel ends every other process of the host with it. It runs alone, without the
rest of the tests, and knows neither the network nor who will run here.
"""

import signal
import subprocess
import sys


def main(name: str, covered: list[str]) -> None:
    """Become a host, say so, and wait for its end."""
    subprocess.run(["hostname", name], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for folder in covered:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "covered", folder], check=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so the kernel buries every orphan that comes to process 1
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
