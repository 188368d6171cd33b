"""How much memory one of our runs takes, in a process that does nothing else.

Run it as ``python -m benchmarks.peers.memory 10000000``; it prints two numbers of bytes: of the
bars, and what the process grew by at the highest while the run was going on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.case import random_walk, run_ours
from core.engine.warm import warm_kernels


def status(field: str) -> int:
    """Return a size of this process in bytes, as Linux reports it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


def main() -> None:
    warm_kernels()
    run_ours(random_walk(1_000))
    bars = random_walk(int(sys.argv[1]))
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest size so far
    before = status("VmRSS")
    run_ours(bars)
    columns = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    print(sum(column.nbytes for column in columns), status("VmHWM") - before)


if __name__ == "__main__":
    main()
