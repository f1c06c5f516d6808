"""How much memory this process may have: the machine's, or less where a container or a limit says so."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup/memory.max")


def usable_memory(group: Path = _GROUP) -> float:
    """Bytes; infinite where nothing says how many."""
    found = [_physical(), *_limits()]
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        found.append(float(group.read_text("ascii")))
    return min(found)


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):  # another system
        return float("inf")


def _limits() -> list[float]:
    try:
        import resource
    except ImportError:  # another system
        return []
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_DATA, resource.RLIMIT_AS))
    return [float(limit) for limit in limits if limit != resource.RLIM_INFINITY]
