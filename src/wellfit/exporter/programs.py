"""From a run to the text of a program, for each framework."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from wellfit.errors import UsageError
from wellfit.exporter.facts import Facts, read_facts
from wellfit.exporter.keras_program import KERAS_FIRST, keras_constants, keras_missing, keras_pieces
from wellfit.exporter.lightning_program import lightning_missing, lightning_pieces
from wellfit.exporter.network import waves_and_embeds
from wellfit.exporter.reading import (
    encoding_pieces,
    reading_constants,
    reading_pieces,
    score_piece,
    split_constants,
)
from wellfit.exporter.sklearn_program import sklearn_constants, sklearn_missing, sklearn_pieces
from wellfit.exporter.source import PACKAGES, Piece, packages, piece, program
from wellfit.exporter.torch_program import torch_constants, torch_missing, torch_pieces
from wellfit.files import write_text
from wellfit.job.run import Run, load

_MAIN = '''
def validated(frame: pd.DataFrame, target: np.ndarray, fold: tuple[np.ndarray, np.ndarray], seed: int) -> np.ndarray:
    """Train on one fold's training rows; returns what comes out for its validation rows."""
    rows, valid = fold
    encoder = Encoder(frame.iloc[rows])
    center, scale = target[rows].mean(), target[rows].std() or 1.0 #? number
    y = ((target - center) / scale).astype(np.float32)[:, None] #? number
    y = np.eye(len(CLASSES), dtype=np.float32)[target] #! number
    x, valid_x = encoder(frame.iloc[rows]), encoder(frame.iloc[valid])
    return train(encoder, (x, y[rows]), (valid_x, y[valid]), seed)[:, 0] * scale + center #? number
    return train(encoder, (x, y[rows]), (valid_x, y[valid]), seed) #! number


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\\n")[0])
    parser.add_argument("--data", default=DATA, help="the table (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of first weights and of every draw")
    asked = parser.parse_args()
    frame = read(asked.data)
    target = target_of(frame)
    parts = folds(target)
    outputs = [validated(frame, target, fold, asked.seed) for fold in parts]
    truth = np.concatenate([target[valid] for _, valid in parts])
    print(f"validation RMSE: {score(np.concatenate(outputs), truth):.6g}") #? number
    print(f"validation log loss: {score(np.concatenate(outputs), truth):.6g}") #! number
'''

_TAIL = """if __name__ == "__main__":
    main()"""


@dataclasses.dataclass(frozen=True)
class Target:
    """One framework: its name, what makes its part of the program, whether it has embeddings, and its first line."""

    title: str
    constants: Callable[[Facts], list[str]]
    pieces: Callable[[Facts], list[Piece]]
    missing: Callable[[Facts], list[str]]
    embeds: bool = True
    first: str = ""


TARGETS: dict[str, Target] = {
    "torch": Target("torch", torch_constants, torch_pieces, torch_missing),
    "lightning": Target("Lightning", torch_constants, lightning_pieces, lightning_missing),
    "keras": Target("Keras 3 on torch", keras_constants, keras_pieces, keras_missing, first=KERAS_FIRST),
    "sklearn": Target("scikit-learn", sklearn_constants, sklearn_pieces, sklearn_missing, embeds=False),
}


@dataclasses.dataclass(frozen=True)
class Exported:
    """A program.

    Attributes:
        code: the text of the file.
        missing: what it does not do as the run did it, one sentence each; it stands at its top, too.
    """

    code: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return self.code

    def save(self, path: str | Path) -> None:
        """Write the file.

        Raises:
            UsageError: under that name the program would import itself in place of a package.
            RunFolderError: it cannot be written.
        """
        stem = Path(path).stem
        if stem in PACKAGES or stem in sys.stdlib_module_names:
            raise UsageError(
                f"a program called {Path(path).name} would hide the package {stem} from itself.",
                fix=f"Give it another name, such as train_{stem}.py.",
                code="WF-A44",
            )
        write_text(Path(path), self.code)


def export(run: Run | str | Path, to: str = "torch", data: str | Path | None = None) -> Exported:
    """Write a run's training as a program that needs no wellfit: data, columns, network, recipe, loop.

    The program trains with the run's recipe and prints the score on the validation rows. No text of the data or the
    recipe is ever code in it: names of columns, classes and files stand in constants, as literals.

    Args:
        run: a finished run, or its folder.
        to: ``torch``, ``lightning``, ``keras`` or ``sklearn``.
        data: the table that the run was trained on; with it the program has the run's own split of the rows.

    Raises:
        UsageError: the target is not known, the run is not finished, or ``data`` is another table.
        RunFolderError: the folder holds no run.
        DataError: the table cannot be read.
    """
    if to not in TARGETS:
        raise UsageError(f"no export goes to {str(to)[:40]!r}.", fix=f"Choose {', '.join(TARGETS)}.", code="WF-A42")
    found = run if isinstance(run, Run) else load(run)
    facts, target = read_facts(found, data), TARGETS[to]
    missing = (*facts.missing, *target.missing(facts))
    waves, embeds = waves_and_embeds(facts)
    pieces = [*reading_pieces(facts), *encoding_pieces(facts, waves, embeds and target.embeds), score_piece(facts)]
    pieces += [*target.pieces(facts), piece(_MAIN, "import argparse", number=facts.regression)]
    constants = [*reading_constants(facts), *split_constants(facts), "", *target.constants(facts)]
    code = program(_docstring(facts, target, packages(pieces)), missing, constants, pieces, _TAIL, target.first)
    return Exported(code, missing)


def _docstring(facts: Facts, target: Target, needed: list[str]) -> str:
    kind = "a number" if facts.regression else f"{len(facts.classes)} classes"
    lines = [
        f"Train a network that predicts {kind} from {len(facts.columns)} columns, in {target.title}.", "",
        "    python THIS_FILE [--data FILE] [--seed NUMBER]", "",
        "prints the score on validation rows: the best of each training, over all folds together.",
    ]  # fmt: skip
    if facts.reached is not None:
        lines += [f"The run that this file repeats reached {facts.reached:.6g}."]
    return "\n".join([*lines, f"It needs {', '.join(needed[:-1])} and {needed[-1]}.", ""])
