"""Writing files so that nothing is lost: a file is there whole, or as it was before."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from wellfit.errors import RunFolderError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file at once: a temporary file beside it, flushed to disk, then renamed over it.

    Raises:
        RunFolderError: where the folder cannot be written (read-only, full); what was there before is untouched.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise RunFolderError(
            f"{path.name} could not be written in {path.parent}: {reason}.",
            fix="Check the space left and the permissions, or name another folder with --out.",
            code="WF-F01",
        ) from error


def write_text(path: Path, content: str) -> None:
    """Write a text file (UTF-8) at once; see ``write_bytes``."""
    write_bytes(path, content.encode())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a loss of power; folders cannot be opened on every system."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
