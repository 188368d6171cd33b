"""Make the environment of the peers that would not go well with our own requirements.

Run it as ``python -m benchmarks.peers.install``; it takes a minute or two and a gigabyte.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = Path(__file__).parents[2] / ".venv-peers"
PYTHON: Final = ENVIRONMENT / "bin" / "python"
COMMAND: Final = "python -m benchmarks.peers.install"


def main() -> None:
    venv.create(ENVIRONMENT, with_pip=True)
    wanted = Path(__file__).with_name("requirements.txt")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--requirement", str(wanted)]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
