"""Compiling the loops: once, for their owner alone, and never so that anything fails that would work without them."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
import sys

import pytest
import torch

from wellfit.kernels import library as there
from wellfit.kernels.library import _cache, _found, _load
from wellfit.regularizers.affine import turned
from wellfit.regularizers.warping import warp

compiler = pytest.mark.skipif(there() is None, reason="there is no C compiler here")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, and what this process knows of the loops forgotten until the test is over."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("WELLFIT_KERNELS", raising=False)
    _found.cache_clear()
    yield tmp_path
    _found.cache_clear()


def held(folder):
    return sorted(p.name for p in (folder / "wellfit").iterdir())


@compiler
def test_it_is_compiled_once_and_leaves_nothing_else(home, monkeypatch):
    assert isinstance(_found(), ctypes.CDLL)
    (name,) = held(home)
    assert name.startswith("kernels-") and name.endswith(".so")
    assert stat.S_IMODE((home / "wellfit").stat().st_mode) == 0o700
    _found.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: pytest.fail("it was there already"))
    assert isinstance(_found(), ctypes.CDLL)


DAMAGE = {
    "other": lambda content: b"no library",
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-40],
    "one bit": lambda content: content[:9000] + bytes([content[9000] ^ 1]) + content[9001:],
    "a hole": lambda content: content[:4096] + bytes(512) + content[4608:],
}


@compiler
@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_file_is_never_loaded_and_is_compiled_anew(home, how):
    _found()
    (name,) = held(home)
    place = home / "wellfit" / name
    whole = place.read_bytes()
    place.unlink()  # another file: the one that is loaded must not change under this process
    place.write_bytes(DAMAGE[how](whole))
    place.chmod(0o700)
    assert _load(place) is None
    _found.cache_clear()
    assert isinstance(_found(), ctypes.CDLL)
    assert place.read_bytes() == whole


@compiler
def test_a_file_that_others_can_write_to_is_not_loaded(home, tmp_path):
    _found()
    (name,) = held(home)
    (home / "wellfit" / name).chmod(0o722)
    assert _load(home / "wellfit" / name) is None
    (tmp_path / "link.so").symlink_to(home / "wellfit" / name)
    (home / "wellfit" / name).chmod(0o700)
    assert _load(home / "wellfit" / name) is not None
    assert _load(tmp_path / "link.so") is None


@compiler
@pytest.mark.parametrize("which", ["wellfit", "."])
def test_a_folder_that_others_can_change_is_not_trusted(home, which):
    (home / "wellfit").mkdir()
    (home / which).chmod(0o777)
    try:
        assert _cache() is None
        assert isinstance(_found(), ctypes.CDLL), "compiled in a folder of this moment"
        assert held(home) == []
    finally:
        (home / which).chmod(0o700)


@compiler
def test_what_lies_in_the_cache_needs_no_compiler(home, monkeypatch):
    _found()
    _found.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert isinstance(_found(), ctypes.CDLL)


@compiler
def test_the_next_compiler_is_asked_where_the_first_fails(home, monkeypatch, tmp_path):
    real, fake = shutil.which("cc") or shutil.which("gcc"), tmp_path / "broken"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(fake) if name == "cc" else real)
    assert isinstance(_found(), ctypes.CDLL)


@pytest.mark.parametrize("path", ["relative", ""])
def test_a_cache_that_is_no_place_is_not_used(monkeypatch, tmp_path, path):
    monkeypatch.setenv("XDG_CACHE_HOME", path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _cache() == tmp_path / ".cache" / "wellfit"


def test_it_can_be_left_out(home, monkeypatch):
    monkeypatch.setenv("WELLFIT_KERNELS", "0")
    assert there() is None
    assert _found() == "WELLFIT_KERNELS is 0"


def test_without_a_compiler_pictures_are_moved_all_the_same(home, monkeypatch):
    x, maps = torch.rand(2, 3, 8, 8), turned(torch.tensor([10.0, 20.0], dtype=torch.float64)).matrix()
    before = warp(x, maps)
    shutil.rmtree(home / "wellfit", ignore_errors=True)
    _found.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert _found() == "there is no C compiler"
    assert warp(x, maps) == pytest.approx(before, abs=1e-5)


@pytest.mark.parametrize("script", ["exit 1", "exit 0"])
def test_a_compiler_that_fails_is_no_error(home, monkeypatch, tmp_path, script):
    """The second one says that it made something, and made nothing."""
    fake = tmp_path / "cc"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(fake))
    assert _found() == "the C compiler failed"
    assert not [n for n in held(home) if n.endswith(".tmp")]


@compiler
def test_processes_may_compile_at_once(tmp_path):
    code = (
        "import sys, time; from wellfit.kernels import library\n"
        "print(flush=True); sys.stdin.readline(); assert library() is not None"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe) for _ in range(3)]
    for process in started:  # all have imported, and wait
        process.stdout.readline()
    for process in started:
        process.stdin.close()
    assert [p.wait(timeout=120) for p in started] == [0, 0, 0]
    assert len(held(tmp_path)) == 1
