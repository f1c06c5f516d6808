"""What memory a process may have: a container's limit counts where it is below the machine's."""

from __future__ import annotations

import subprocess
import sys

from wellfit.job.machine_memory import usable_memory


def test_a_containers_limit_counts(tmp_path):
    group = tmp_path / "memory.max"
    assert usable_memory(group) > 2**28  # no such file
    group.write_text("max\n")
    assert usable_memory(group) > 2**28
    group.write_text("1048576\n")
    assert usable_memory(group) == 2**20


def test_a_limit_of_the_process_counts():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30));"
        "from wellfit.job.machine_memory import usable_memory; print(int(usable_memory()))"
    )
    assert int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) <= 2**30
