"""The loops in C: compiled once a machine, kept where only their owner can write, and loaded when first wanted."""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

SWITCH = "WELLFIT_KERNELS"
"""An environment variable: 0 leaves the loops out."""

_SOURCE = Path(__file__).with_name("warp.c")
_FLAGS = ("-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
_OWN_PROCESSOR = ((*_FLAGS, "-march=native"), _FLAGS)  # what a compiler does not know it refuses: then without
_PATIENCE = 60.0  # seconds; it takes a quarter of one


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
    compiler = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if compiler is None or os.name != "posix":
        return "there is no C compiler"
    try:
        return _typed(_loaded(compiler))
    except (OSError, AttributeError, subprocess.SubprocessError) as error:
        return f"compiling failed ({type(error).__name__})"


def _typed(loaded: ctypes.CDLL) -> ctypes.CDLL:
    loaded.wellfit_warp.restype = ctypes.c_int
    loaded.wellfit_warp.argtypes = [
        *[ctypes.c_void_p] * 4, ctypes.c_int64, ctypes.c_int64, ctypes.c_int32, ctypes.c_int32, ctypes.c_int
    ]  # fmt: skip
    return loaded


def _loaded(compiler: str) -> ctypes.CDLL:
    """From the cache, or compiled; what the cache holds and cannot be loaded is compiled anew."""
    folder = _cache()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="wellfit-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = folder / f"kernels-{_key(compiler)}.so"
    if place.is_file():
        try:
            return ctypes.CDLL(str(place))
        except OSError:
            place.unlink(missing_ok=True)
    _compile(compiler, place)
    return ctypes.CDLL(str(place))


def _compile(compiler: str, place: Path) -> None:
    """Make the file at once or not at all; raises CalledProcessError where the compiler fails."""
    handle, made = tempfile.mkstemp(dir=place.parent, suffix=".tmp")
    os.close(handle)
    try:
        for flags in _OWN_PROCESSOR:
            command = [compiler, *flags, "-o", made, str(_SOURCE), "-lm"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE)
            if done.returncode == 0:
                break
        done.check_returncode()
        os.replace(made, place)
    finally:
        Path(made).unlink(missing_ok=True)


def _cache() -> Path | None:
    """A folder that belongs to this user and that nobody else can write to; None where there is none."""
    try:
        home = os.environ.get("XDG_CACHE_HOME", "")
        folder = (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "wellfit"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except (OSError, RuntimeError):
        return None
    others = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if about.st_uid == os.getuid() and not others and os.access(folder, os.W_OK) else None


def _key(compiler: str) -> str:
    """Another source, compiler or processor is another file: homes are shared by machines that are not alike."""
    digest = hashlib.sha256(_SOURCE.read_bytes())
    for part in (*_FLAGS, compiler, platform.machine(), platform.system(), _processor()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:24]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
