"""What a running job tells, whoever shows it: the one protocol between the job and its display."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What the job tells while it runs; the command line shows it."""

    def say(self, topic: str, sentence: str) -> None: ...

    def begin(self, title: str, seconds: float) -> None: ...

    def phase(self, name: str, sentence: str) -> None: ...

    def tick(self, fraction: float, doing: str, best: float | None) -> None: ...

    def rung(self, name: str, rung: int, rungs: int, members: int, steps: int, best: float, seconds: float) -> None: ...

    def end(self) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def say(self, topic: str, sentence: str) -> None:
        return

    def begin(self, title: str, seconds: float) -> None:
        return

    def phase(self, name: str, sentence: str) -> None:
        return

    def tick(self, fraction: float, doing: str, best: float | None) -> None:
        return

    def rung(self, name: str, rung: int, rungs: int, members: int, steps: int, best: float, seconds: float) -> None:
        return

    def end(self) -> None:
        return
