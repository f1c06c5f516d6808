"""Translations that were made already, in a file beside the program."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

from wellfit.errors import DataError, RunFolderError
from wellfit.files import write_text

FORMAT, VERSION = "wellfit.translations", 1
_LARGEST = 500_000_000  # bytes of a cache


@dataclasses.dataclass
class Cache:
    """Translations that were made already, in a JSON file that is written whole or not at all.

    Args:
        path: of the file; it need not be there.
        name: of the translator: others' translations in the file are left as they are.

    Raises:
        DataError: the file is there and is no cache, or there can be no file of that name.
    """

    path: Path
    name: str

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        self.found: dict[str, str] = dict(self._read().get(self.name, {}))
        self._new: dict[str, str] = {}

    def __getitem__(self, text: str) -> str | None:
        return self.found.get(text)

    def add(self, texts: Sequence[str], translated: Sequence[str]) -> None:
        made = dict(zip(texts, translated, strict=True))
        self.found.update(made)
        self._new.update(made)

    def check_folder(self) -> None:
        """Raises RunFolderError where the folder is not there or cannot be written."""
        folder = self.path.parent
        if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
            raise RunFolderError(
                f"the cache {self.path.name} cannot be written in {folder}.",
                fix="Name a file in a folder that is there and can be written.",
                code="WF-F01",
            )

    def write(self) -> None:
        """Write what is new beside what the file holds by now."""
        if self._new:
            every = self._read()
            every.setdefault(self.name, {}).update(self._new)
            form = {"format": FORMAT, "version": VERSION, "translations": every}
            write_text(self.path, json.dumps(form) + "\n")
            self._new = {}

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            if self.path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            form = json.loads(self.path.read_text("utf-8"))
            every = form["translations"]
            good = form["format"] == FORMAT and form["version"] == VERSION
            if not good or not all(isinstance(t, str) for held in every.values() for p in held.items() for t in p):
                raise ValueError("it is of another format")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"{self.path.name[:80]!r} is no cache of translations: {reason}.",
                fix="Name another file.",
                code="WF-X07",
            ) from error
        return every
