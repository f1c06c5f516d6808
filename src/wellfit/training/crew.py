"""The crew: one worker process per processor, each training stacks with one thread of its own.

Two processes of one thread beat one process of two: the cost of issuing operations is shared as well, and no thread
waits for another. Workers hold no state between tasks; a task carries what it needs and returns all that came of it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from wellfit.errors import TrainingError
from wellfit.training.study import Desk, Result, Study, Task
from wellfit.training.worker import receive, send

Watch = Callable[[int, int, float], None]
"""Called with (task number, step, best loss) while tasks run."""


class Engine(Protocol):
    """What works off tasks."""

    @property
    def hands(self) -> int: ...

    def open(self, study: Study) -> None: ...

    def run(self, tasks: Sequence[Task], watch: Watch | None = None) -> list[Result]: ...

    def close(self) -> None: ...


class Solo:
    """One task after the other in this process: for a GPU, or a single processor."""

    hands = 1

    def __init__(self) -> None:
        self._desk: Desk | None = None

    def open(self, study: Study) -> None:
        self._desk = Desk(study)

    def run(self, tasks: Sequence[Task], watch: Watch | None = None) -> list[Result]:
        assert self._desk is not None
        results = []
        for number, task in enumerate(tasks):
            report = (lambda step, loss, n=number: watch(n, step, loss)) if watch else None
            results.append(self._desk.work(task, report))
        return results

    def close(self) -> None:
        self._desk = None


class Crew:
    """Worker processes that take tasks as they become free.

    Args:
        hands: how many processes; they start at once and load while the caller goes on.
        paths: folders where they look for modules besides wellfit's own.
    """

    def __init__(self, hands: int, paths: Sequence[str] = ()) -> None:
        self.hands = hands
        self._paths = tuple(paths)
        self._study: Study | None = None
        self._closed = False
        self._processes = [_launch(self._paths) for _ in range(hands)]
        self._said_ready = [False] * hands

    def open(self, study: Study) -> None:
        """Give every worker the data."""
        self._study = study
        self._each(lambda place: self._ask(place, ("study", study), None))

    def run(self, tasks: Sequence[Task], watch: Watch | None = None) -> list[Result]:
        """Work off tasks; results in the order of the tasks.

        Raises:
            TrainingError: a task failed twice, or a worker died twice on it.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(tasks)):
            waiting.put(number)
        results: list[Any] = [None] * len(tasks)

        def take(place: int) -> None:
            while not self._closed:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                results[number] = self._work(place, number, tasks[number], watch)

        self._each(take)
        return results

    def close(self) -> None:
        self._closed = True
        for process in self._processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _work(self, place: int, number: int, task: Task, watch: Watch | None) -> Result:
        report = (lambda step, loss: watch(number, step, loss)) if watch else None
        try:
            return self._ask(place, ("task", task), report)
        except (EOFError, OSError, ValueError):  # the worker was killed: one more try, in a new one
            if self._closed:
                raise
            self._processes[place].kill()
            self._processes[place] = _launch(self._paths)
            self._said_ready[place] = False
        try:
            self._ask(place, ("study", self._study), None)
            return self._ask(place, ("task", task), report)
        except (EOFError, OSError) as error:
            raise TrainingError(
                f"a worker process ended twice on the same work (exit {self._processes[place].poll()}), "
                "most likely for want of memory.",
                fix="Close other programs, or bring fewer rows or columns; WELLFIT_DEBUG=1 shows what workers print.",
                code="WF-T02",
            ) from error

    def _ask(self, place: int, message: Any, report: Callable[[int, float], None] | None) -> Any:
        process = self._processes[place]
        assert process.stdin is not None
        assert process.stdout is not None
        if not self._said_ready[place]:
            receive(process.stdout)
            self._said_ready[place] = True
        send(process.stdin, message)
        while True:
            kind, content = receive(process.stdout)
            if kind == "done":
                return content
            if kind == "failed":
                raise TrainingError(f"training failed in a worker: {content}.", code="WF-T01")
            if report:
                report(*content)

    def _each(self, act: Callable[[int], None]) -> None:
        """Do something for every worker side by side; the first error is raised when all are through."""
        errors: list[BaseException] = []

        def guarded(place: int) -> None:
            try:
                act(place)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(p,), daemon=True) for p in range(self.hands)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)  # in short turns, so that Ctrl-C is heard
        if errors:
            raise errors[0]


def _launch(paths: Sequence[str]) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (here, *paths, os.environ.get("PYTHONPATH", "")) if p)
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "wellfit.training.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if os.environ.get("WELLFIT_DEBUG") else subprocess.DEVNULL,  # errors come back as messages
        env={**os.environ, **threads, "PYTHONPATH": path},
    )
