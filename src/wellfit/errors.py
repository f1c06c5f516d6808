"""What wellfit raises: one tree, each error with a code, the way out, and the command line's exit code."""

from __future__ import annotations

from typing import Any, ClassVar


class WellfitError(Exception):
    """Base of every error that wellfit raises on purpose.

    Args:
        message: what came, where, and what is allowed, in one sentence.
        fix: what to do about it, in one sentence.
        code: a stable code such as ``"WF-D03"`` that documentation and scripts can refer to.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        head = f"{self.code}: {self.message}" if self.code else self.message
        return f"{head} {self.fix}".strip()


class UsageError(WellfitError):
    """The call's own words are off: an unknown option, a malformed budget."""

    exit_code = 2


class DataError(WellfitError, ValueError):
    """The data cannot be used as it is."""

    exit_code = 3


class RecipeError(WellfitError, ValueError):
    """A recipe or a regularizer is malformed, or does not fit the task."""

    exit_code = 4


class RecipeWarning(UserWarning):
    """A recipe that a person composed breaks a rule of the lint; its text begins with the rule's code."""


class TrainingError(WellfitError):
    """Nothing could be trained: every member diverged."""

    exit_code = 5


class BudgetError(WellfitError):
    """The budget ended before the comparison did; ``run`` is what there is, or None."""

    exit_code = 6

    def __init__(self, message: str, *, fix: str = "", code: str = "", run: Any = None) -> None:
        super().__init__(message, fix=fix, code=code)
        self.run = run


class NothingTrained(BudgetError):
    """The budget ended before anything was trained: there is no model, and ``run`` is None."""

    exit_code = TrainingError.exit_code


class Interrupted(WellfitError):
    """The person stopped the run; ``run`` is what there was, or None where nothing had been trained yet.

    Args:
        folder: the folder that was made for the run, where there is one without a model.
    """

    exit_code = 130

    def __init__(self, run: Any = None, folder: Any = None) -> None:
        where = f"the best so far is in {run.folder}" if run else "nothing had been trained yet"
        where += f", and {folder} holds no model" if run is None and folder is not None else ""
        super().__init__(f"stopped; {where}.", code="WF-I01")
        self.run = run


class RunFolderError(WellfitError):
    """A run folder is missing, corrupt or not writable."""

    exit_code = 7


class IllnessError(WellfitError):
    """A diagnosis that was to find a healthy model found something wrong."""

    exit_code = 10


class MissingExtra(WellfitError, ImportError):
    """An optional dependency is not installed; the fix names the pip line."""

    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed.", fix=f"pip install 'wellfit[{extra}]'", code="WF-E01")
