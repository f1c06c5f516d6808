"""The loops in C: compiled once a machine, kept where only their owner can write, and loaded when first wanted."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SWITCH = "WELLFIT_KERNELS"
"""An environment variable: 0 leaves the loops out."""

_SOURCE = Path(__file__).with_name("warp.c")
_FLAGS = ("-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
"""Products and sums are rounded one by one, so that every compiler and processor comes to the same numbers."""

_COMPILERS = ("cc", "gcc", "clang")
_PATIENCE = 10.0  # seconds; it takes a quarter of one
_DIGEST = 32  # bytes behind the library, by which damage is told


def library() -> ctypes.CDLL | None:
    """The loops, or None where they cannot be had; ``why_not`` says why."""
    found = _found()
    return None if isinstance(found, str) else found


def why_not() -> str:
    """Why there are no compiled loops; empty where there are."""
    found = _found()
    return found if isinstance(found, str) else ""


@functools.cache
def _found() -> ctypes.CDLL | str:
    if os.environ.get(SWITCH, "1") == "0":
        return f"{SWITCH} is 0"
    if os.name != "posix":
        return f"they are not compiled on {platform.system()}"
    kept = _cache()
    loaded = None if kept is None else _load(kept / _name())
    if loaded is not None:
        return loaded
    compilers = _compilers()
    if not compilers:
        return "there is no C compiler"
    for folder in (_kept(kept), _passing()):  # programs may be forbidden in the one or the other
        with contextlib.suppress(OSError), folder as place:
            loaded = _made(compilers, place / _name())
            if loaded is not None:
                return loaded
    return "the C compiler failed"


def _load(place: Path) -> ctypes.CDLL | None:
    """The library of a file that is this user's own and whole; None where it is not, or is not there."""
    try:
        about = place.lstat()
        content = place.read_bytes()
        own = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022
        if not own or hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
            return None
        loaded = ctypes.CDLL(str(place))
        loaded.wellfit_warp.restype = ctypes.c_int
        loaded.wellfit_warp.argtypes = [
            *[ctypes.c_void_p] * 4, ctypes.c_int64, ctypes.c_int64, ctypes.c_int32, ctypes.c_int32, ctypes.c_int
        ]  # fmt: skip
    except (OSError, AttributeError):
        return None
    return loaded


def _made(compilers: list[str], place: Path) -> ctypes.CDLL | None:
    """Compile by the first that can, so that the file is there whole or not at all, and load it."""
    handle, made = tempfile.mkstemp(dir=place.parent, suffix=".tmp")
    os.close(handle)
    try:
        if not any(_compiles(compiler, flags, made) for compiler in compilers for flags in _ways()):
            return None
        with open(made, "r+b") as file:
            digest = hashlib.sha256(file.read()).digest()
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(made, 0o700)
        os.replace(made, place)
    finally:
        Path(made).unlink(missing_ok=True)
    return _load(place)


def _compiles(compiler: str, flags: tuple[str, ...], made: str) -> bool:
    command = [compiler, *flags, "-o", made, str(_SOURCE), "-lm"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and os.path.getsize(made) > 0


def _compilers() -> list[str]:
    found = [path for name in _COMPILERS if (path := shutil.which(name))]
    if sys.platform == "darwin" and found:  # without its tools the system's cc asks the person to install them
        asked = subprocess.run(["xcode-select", "-p"], stdin=subprocess.DEVNULL, capture_output=True)
        return found if asked.returncode == 0 else []
    return found


def _ways() -> list[tuple[str, ...]]:
    """For this very processor where it can be told apart from others; a compiler may not know it."""
    return [(*_FLAGS, "-march=native"), _FLAGS] if _processor() else [_FLAGS]


@contextlib.contextmanager
def _kept(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        raise OSError("there is no cache")
    yield folder


@contextlib.contextmanager
def _passing() -> Iterator[Path]:
    """A folder of this moment: what was loaded from it stays loaded."""
    with tempfile.TemporaryDirectory(prefix="wellfit-") as folder:
        yield Path(folder)


def _cache() -> Path | None:
    """A folder that belongs to this user, and that nobody else can write to or put another in the place of."""
    try:
        home = os.environ.get("XDG_CACHE_HOME", "")
        folder = (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "wellfit"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        safe = folder.stat().st_uid == os.getuid() and all(_is_safe(place) for place in (folder, *folder.parents))
    except (OSError, RuntimeError):
        return None
    return folder if safe and os.access(folder, os.W_OK) else None


def _is_safe(folder: Path) -> bool:
    about = folder.stat()
    shared = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not about.st_mode & stat.S_ISVTX
    return about.st_uid in (0, os.getuid()) and not shared


@functools.cache
def _name() -> str:
    """Another source or processor is another file: homes are shared by machines that are not alike."""
    digest = hashlib.sha256(_SOURCE.read_bytes())
    for part in (*_FLAGS, platform.machine(), platform.system(), *platform.libc_ver(), _processor()):
        digest.update(part.encode() + b"\0")
    return f"kernels-{digest.hexdigest()[:24]}.so"


def _processor() -> str:
    """What the system says of the processor's abilities; empty where it says nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
