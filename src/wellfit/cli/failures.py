"""What a person sees when something goes wrong: what came, what to do, and an exit code; never a bare traceback."""

from __future__ import annotations

import difflib
import json
import platform
import re
import sys
import textwrap
import traceback
from itertools import pairwise
from pathlib import Path

from wellfit.cli.output import print_json
from wellfit.cli.start import exit_code
from wellfit.errors import BudgetError, WellfitError
from wellfit.report.plain import plain

_WIDTH = 100
_FRAMES = 40
_CLOSE = 0.65  # of an option's letters: below, the nearest one is another word
_NO_NUMBER = re.compile(r"Input should be a valid (integer|number).*", re.DOTALL)


def known(error: WellfitError, machine: bool, debug: bool, signal: int | None = None) -> int:
    """Tell an error that wellfit raised on purpose; a result that was saved all the same is shown."""
    from wellfit.cli.output import print_result

    run = getattr(error, "run", None)
    stopped = signal is not None or "Interrupted" in {cls.__name__ for cls in type(error).__mro__}
    code = exit_code(signal) if stopped else error.exit_code
    if debug:
        traceback.print_exception(error)
    _tell(error.message, error.fix, error.code, word="stopped" if stopped else "error")
    if run is not None and (stopped or isinstance(error, BudgetError)):
        print_result(run, machine)
    elif machine:
        print_json(_as_json(error.message, error.fix, error.code, code))
    return code


def interrupted(machine: bool, signal: int | None) -> int:
    """Stopped where nothing was there yet to keep."""
    code = exit_code(signal)
    message = "interrupted before anything was saved."
    _tell(message, "", "", word="stopped")
    if machine:
        print_json(_as_json(message, "", "", code))
    return code


def unknown(error: Exception, command: str, machine: bool, debug: bool, keep: str | None) -> int:
    """A bug in wellfit: say so, and leave a report of it that holds no data."""
    place = write_crash(error, command, keep)
    message = f"this is a bug in wellfit ({type(error).__name__}), not in your data or your command."
    fix = f"please report it with {place}; it holds no data." if place else "run it again with --debug and report it."
    if debug:
        traceback.print_exception(error)
    _tell(message, fix, "")
    if machine:
        print_json(_as_json(message, fix, "", 1))
    return 1


def _tell(message: str, fix: str, code: str, word: str = "error") -> None:
    head = f"{word} {plain(code)}: " if code else f"{word}: "
    lines = textwrap.wrap(head + plain(message, 2000), _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    if fix:
        told = f"  fix: {plain(fix, 2000)}"
        lines += textwrap.wrap(told, _WIDTH, subsequent_indent="       ", break_on_hyphens=False)
    print("\n".join(lines), file=sys.stderr, flush=True)


def _as_json(message: str, fix: str, code: str, exit_code: int) -> dict[str, object]:
    return {
        "format": "wellfit.error",
        "version": 1,
        "code": plain(code),
        "message": plain(message),
        "fix": plain(fix),
        "exit_code": exit_code,
    }


def write_crash(error: BaseException, command: str, keep: str | None) -> str:
    """Write crash.txt: types, files, lines and versions; no messages, no values, no paths of the machine.

    Args:
        error: what was raised.
        command: the name of the command.
        keep: the folder to write to where it exists, else the current one.

    Returns:
        The file's path, or an empty text where it could not be written.
    """
    folder = Path(keep) if keep and Path(keep).is_dir() else Path()
    try:
        (folder / "crash.txt").write_text(crash_text(error, command), encoding="utf-8")
    except OSError:
        return ""
    return str(folder / "crash.txt")


def crash_text(error: BaseException, command: str) -> str:
    """The content of crash.txt. An exception's message is left out: it may quote a cell of the table."""
    from wellfit import __version__

    lines = [f"wellfit {__version__}, python {platform.python_version()}, {platform.system()} {platform.machine()}"]
    lines.append(f"command: {command}")
    link: BaseException | None = error
    while link is not None and len(lines) < 200:
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
        frames = traceback.extract_tb(link.__traceback__)[-_FRAMES:]
        lines += [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
        link = link.__cause__ or link.__context__
        lines += ["caused by"] if link is not None else []
    return "\n".join(lines) + "\n"


def _short(filename: str) -> str:
    """A source file's name from its package on: folders above may hold a user's name."""
    parts = Path(filename).parts
    for root in ("site-packages", "src"):
        if root in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(root) :])
    return parts[-1] if parts else ""


def is_usage(error: Exception) -> bool:
    """Whether the command line's own words are off; typer carries its own click, or uses the one installed."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def usage(error: Exception, arguments: list[str]) -> int:
    """Tell a usage error with the nearest thing that exists."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "wellfit")
    message = error.format_message().split(" (Possible options:")[0].split(" Did you mean")[0]
    message = _NO_NUMBER.sub(lambda kind: _no_number(kind[1], message, arguments), message)
    near = _nearest(error, context, arguments)
    fix = f"did you mean {near}? " if near else ""
    message = message[:1].lower() + message[1:]
    message = message if message.endswith((".", "?")) else f"{message}."
    fix += f"{command} --help lists what is allowed."
    _tell(message, fix, "WF-U10")
    if "--json" in arguments:
        print_json(_as_json(message, fix, "WF-U10", 2))
    return 2


def _no_number(kind: str, message: str, arguments: list[str]) -> str:
    """What came in place of a number, in the words of a person."""
    name = message.partition("'")[2].partition("'")[0].split(" ")[0]
    joined = [word.partition("=")[2] for word in arguments if word.startswith(f"{name}=")]
    behind = [after for word, after in pairwise(arguments) if word == name]
    came = plain([*joined, *behind, "it"][0], 40)
    return f"{came!r} is no {'whole number' if kind == 'integer' else 'number'}" if came != "it" else f"no {kind}"


def _nearest(error: Exception, context: object, arguments: list[str]) -> str:
    """The nearest option of the command, or the nearest command."""
    command = getattr(context, "command", None)
    name = getattr(error, "option_name", None)
    if name:
        known = [option for parameter in getattr(command, "params", []) for option in parameter.opts]
        near = difflib.get_close_matches(name, [option for option in known if option.startswith("--")], 1, _CLOSE)
        return near[0] if near else ""
    commands = list(getattr(command, "commands", {}))
    words = [word for word in arguments if not word.startswith("-")]
    near = difflib.get_close_matches(words[0], commands, 1, 0.5) if words and commands else []
    return json.dumps(near[0]) if near else ""
