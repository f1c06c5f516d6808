"""Verdicts of every method on one case: the peers' from one plain training, wellfit's from its own experiment."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
from bank_case import Case
from bank_data import Drawn, draw
from bank_labels import LABEL_OF
from bank_nets import maker
from bank_peers import chance_loss, curve_rule, dummy_outputs, ratio_rule, scores, skore_rule
from bank_plain import Seen, train

from wellfit import Recipe

PEERS = ("ratio", "skore", "curves")
OWN = "wellfit"
METHODS = (*PEERS, OWN)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one method said of one case.

    Attributes:
        code: wellfit's, empty for the peers; ``error`` where it raised.
        label: one of ``bank_labels.LABELS``, or ``error``.
        confidence: wellfit's word.
        seconds: what the verdict took beyond the plain training, for the peers 0.
        training: seconds of one plain training of the case, on this machine, just before.
        note: sentence of the verdict, or of the error.
    """

    case: str
    method: str
    code: str
    label: str
    confidence: str
    seconds: float
    training: float
    note: str = ""


def judge(case: Case, folder: Path, methods: tuple[str, ...]) -> list[Verdict]:
    """Verdicts of these methods on one case; the plain training is done in any case, for its time."""
    drawn = draw(case, folder)
    seen = train(case, drawn)
    said = peers(case, drawn, seen) if set(methods) & set(PEERS) else {}
    found = [Verdict(case.name, m, "", said[m], "", 0.0, seen.seconds) for m in PEERS if m in methods]
    return [*found, own(case, drawn, seen.seconds)] if OWN in methods else found


def peers(case: Case, drawn: Drawn, seen: Seen) -> dict[str, str]:
    """The label that each peer's rule gives."""
    train_y, valid_y = drawn.train.y.numpy(), drawn.valid.y.numpy()
    chance = chance_loss(train_y, drawn.classes)
    outputs = [out.double().numpy() for out in seen.outputs]
    sides = [scores(out, y, drawn.classes) for out, y in zip(outputs, (train_y, valid_y), strict=True)]
    dummy = scores(dummy_outputs(train_y, len(valid_y), drawn.classes), valid_y, drawn.classes)
    return {
        "ratio": ratio_rule(seen.train[-1], seen.valid[-1], chance),
        "skore": skore_rule(sides[0], sides[1], dummy),
        "curves": curve_rule(seen.train, seen.valid, chance),
    }


def own(case: Case, drawn: Drawn, training: float) -> Verdict:
    """wellfit's diagnosis at its defaults; whatever it raises is a wrong verdict, and is written down."""
    begun = time.perf_counter()
    try:
        code, confidence, note = _diagnose(case, drawn)
    except Exception as error:  # a crash on a case is a result of the benchmark, not its end
        code, confidence, note = "error", "", f"{type(error).__name__}: {error}"
    label = LABEL_OF.get(code, "error")
    seconds = time.perf_counter() - begun
    return Verdict(case.name, OWN, code, label, confidence, seconds, training, " ".join(note.split())[:300])


def _diagnose(case: Case, drawn: Drawn) -> tuple[str, str, str]:
    import wellfit

    y = [np.ascontiguousarray(rows.y.numpy()) for rows in (drawn.train, drawn.valid)]
    found = wellfit.diagnose(
        model=maker(case, drawn), train=(drawn.train.x, y[0]), val=(drawn.valid.x, y[1]), recipe=Recipe(*case.recipe),
        rate=case.rate, epochs=case.epochs, batch=case.batch, seed=case.seed,
    )  # fmt: skip
    return found.code, found.confidence, f"{found.sentence}"
