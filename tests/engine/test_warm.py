"""Warm-up makes the first run as fast as the next ones."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS_OF_A_RUN = """
import resource, sys
import numpy as np
from core.engine.warm import warm_kernels

if sys.argv[1] == "warm":
    warm_kernels()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    columns = [np.ones(100_000) for _ in range(16)]
    del columns
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print([faults() for _ in range(4)][-1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc trims its heap")
def test_a_warm_process_keeps_the_memory_that_a_run_frees():
    def faults(state: str) -> int:
        command = [sys.executable, "-c", FAULTS_OF_A_RUN, state]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults("cold") > 1_000  # 16 columns of 196 pages
    assert faults("warm") < 100
