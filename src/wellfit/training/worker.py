"""A worker process: reads tasks from its standard input, trains with one thread, writes results to its output.

Started as ``python -m wellfit.training.worker`` by the crew, so that a person's script needs no main guard.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message: its length and its pickle. Both ends of the pipe are wellfit's own."""
    body = pickle.dumps(message, protocol=5)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; raises EOFError when the other end is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)


def keep_memory() -> None:
    """Have the C library keep freed memory instead of giving it back: big temporaries then reuse warm pages.

    Up to three times faster for uncompiled steps. It holds for the whole process, hence only in wellfit's own.
    """
    try:
        library = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 64 << 20)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            library.mallopt(option, value)
    except (OSError, AttributeError):
        return  # another C library: slower, not wrong


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and decides
    keep_memory()
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(incoming, lambda message: send(outgoing, message))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone: nothing is left to do


def serve(incoming: BinaryIO, reply: Callable[[Any], None]) -> None:
    """Answer messages until the pipe closes."""
    import torch

    from wellfit.training.compiler import warm_up
    from wellfit.training.products import choose_products
    from wellfit.training.study import Desk

    torch.set_num_threads(1)
    choose_products()
    reply(("ready", os.getpid()))
    warm_up()
    desk: Desk | None = None
    while True:
        kind, content = receive(incoming)
        try:
            if kind == "study":
                desk = Desk(content)
                reply(("done", None))
            else:
                assert desk is not None
                reply(("done", desk.work(content, lambda step, loss: reply(("report", (step, loss))))))
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # whatever goes wrong in a task is the parent's to tell
            reply(("failed", f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main()
