"""From a run to the text of a program, for each framework."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from wellfit.errors import UsageError
from wellfit.exporter.facts import ROWS, Facts
from wellfit.exporter.folds import folds_piece, score_piece, split_constants
from wellfit.exporter.keras_program import KERAS_FIRST, keras_constants, keras_missing, keras_pieces
from wellfit.exporter.kinds import FORMS, read_facts
from wellfit.exporter.lightning_program import lightning_missing, lightning_pieces
from wellfit.exporter.recipe_code import expressed
from wellfit.exporter.sklearn_program import sklearn_constants, sklearn_missing, sklearn_pieces
from wellfit.exporter.source import PACKAGES, Piece, packages, piece, program
from wellfit.exporter.text_facts import TextFacts
from wellfit.exporter.text_variants import has_variants, variant_missing
from wellfit.exporter.torch_program import torch_constants, torch_missing, torch_pieces
from wellfit.files import write_text
from wellfit.job.run import Run, load
from wellfit.regularizer import Regularizer

_MAIN = '''
def validated(ROWSOF: TYPE, target: np.ndarray, fold: tuple[np.ndarray, np.ndarray], seed: int) -> np.ndarray:
    """Train on one fold's training ROWS; returns what comes out for those that it validates."""
    rows, valid = fold
    encoder = Encoder(frame.iloc[rows]) #? table
    encoder = Encoder(x[rows]) #! table
    center, scale = target[rows].mean(), target[rows].std() or 1.0 #? number
    y = ((target - center) / scale).astype(np.float32)[:, None] #? number
    y = np.eye(len(CLASSES), dtype=np.float32)[target] #! number
    texts, labels = with_variants(x[rows], y[rows], seed) #? variants
    parts = (encoder(texts), labels), (encoder(x[valid]), y[valid]) #? variants
    parts = (INPUTS[rows]ENDS, y[rows]), (INPUTS[valid]ENDS, y[valid]) #! variants
    return train(encoder, *parts, seed)[:, 0] * scale + center #? number
    return train(encoder, *parts, seed) #! number


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\\n")[0])
    parser.add_argument("--data", default=DATA, help="PLACE (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of first weights and of every draw")
    asked = parser.parse_args()
    frame = read(asked.data) #! image
    frame = frame.dropna(subset=[TEXT, TARGET]).reset_index(drop=True) #? drop
    target = target_of(frame) #! image
    x = documents(frame) #? text
    x, target = read(asked.data) #? image
    parts = folds(target)
    outputs = [validated(frame, target, fold, asked.seed) for fold in parts] #? table
    outputs = [validated(x, target, fold, asked.seed) for fold in parts] #! table
    truth = np.concatenate([target[valid] for _, valid in parts])
    print(f"validation RMSE: {score(np.concatenate(outputs), truth):.6g}") #? number
    print(f"validation log loss: {score(np.concatenate(outputs), truth):.6g}") #! number
'''

_INPUTS = {"table": ("encoder(frame.iloc[", "])"), "image": ("x[", "]"), "text": ("encoder(x[", "])")}
"""How rows become what is trained on: images do so batch by batch, in the loop."""

_TAIL = """if __name__ == "__main__":
    main()"""


@dataclasses.dataclass(frozen=True)
class Target:
    """One framework.

    Attributes:
        title: its name.
        constants, pieces, missing: what makes its part of the program, and what it leaves out.
        embeds: whether it has embeddings.
        first: a line that comes before other packages are imported.
        kinds: of data that programs are written for.
        without: the networks for such data that are not written.
    """

    title: str
    constants: Callable[[Facts], list[str]]
    pieces: Callable[[Facts], list[Piece]]
    missing: Callable[[Facts], list[str]]
    embeds: bool = True
    first: str = ""
    kinds: frozenset[str] = frozenset({"table"})
    without: frozenset[str] = frozenset()

    def writes(self, facts: Facts) -> bool:
        """Whether there are programs for such data and such a network."""
        return facts.kind in self.kinds and getattr(facts.shape, "model", "") not in self.without


TARGETS: dict[str, Target] = {
    "torch": Target("torch", torch_constants, torch_pieces, torch_missing, kinds=frozenset(FORMS)),
    "lightning": Target("Lightning", torch_constants, lightning_pieces, lightning_missing, kinds=frozenset(FORMS)),
    "keras": Target("Keras 3 on torch", keras_constants, keras_pieces, keras_missing, first=KERAS_FIRST,
                    kinds=frozenset(FORMS), without=frozenset({"transformer"})),
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
        data: the table, the table with a column of texts, or the folder or file of images, that the run was trained
            on; with it the program has the run's own split of the rows.

    Raises:
        UsageError: the target is not known or not written for such data, the run is not finished, or ``data`` is other
            data.
        RunFolderError: the folder holds no run.
        DataError: the table cannot be read.
    """
    if to not in TARGETS:
        raise UsageError(f"no export goes to {str(to)[:40]!r}.", fix=f"Choose {', '.join(TARGETS)}.", code="WF-A42")
    return program_of(read_facts(run if isinstance(run, Run) else load(run), data), to)


def program_of(facts: Facts, to: str) -> Exported:
    """The program of a framework from facts.

    Raises:
        UsageError: it is not written for such data.
    """
    target, form = TARGETS[to], FORMS[facts.kind]
    if not target.writes(facts):
        raise _not_written(facts, to)
    missing = (*facts.missing, *target.missing(facts))
    missing += tuple(variant_missing(facts)) if isinstance(facts, TextFacts) else ()
    facts = dataclasses.replace(facts, parts=_with_code(facts))
    pieces = [*form.pieces(facts, target.embeds), folds_piece(facts), score_piece(facts)]
    pieces += [*target.pieces(facts), _main_piece(facts)]
    constants = [*form.constants(facts), *split_constants(facts), "", *target.constants(facts)]
    code = program(_docstring(facts, target, packages(pieces)), missing, constants, pieces, _TAIL, target.first)
    return Exported(code, missing)


def _with_code(facts: Facts) -> dict[str, Regularizer]:
    """The parts of the recipe that a program holds."""
    layers = FORMS[facts.kind].layers
    return {name: part for name, part in facts.parts.items() if name in layers or not expressed(name, facts)}


def _not_written(facts: Facts, to: str) -> UsageError:
    others, model = [n for n, target in TARGETS.items() if target.writes(facts)], getattr(facts.shape, "model", "")
    return UsageError(
        f"no program for {ROWS[facts.kind]}{f' by a {model}' if model else ''} is written in {to}.",
        fix=f"Choose {' or '.join(others)}, or put the run's recipe.json into a loop of your own: "
        "wellfit.Recipe.load(...).attach(model, optimizer).",
        code="WF-A43",
    )


def _main_piece(facts: Facts) -> Piece:
    texts = isinstance(facts, TextFacts)
    made = piece(
        _MAIN, "import argparse", "import numpy as np", number=facts.regression,
        variants=texts and has_variants(facts), drop=texts and not facts.reading.split,
        **{kind: facts.kind == kind for kind in ROWS},
    )  # fmt: skip
    start, end = _INPUTS[facts.kind]
    code = made.code.replace("ROWSOF: TYPE", "frame: pd.DataFrame" if facts.kind == "table" else "x: np.ndarray")
    for rows in ("rows", "valid"):
        code = code.replace(f"INPUTS[{rows}]ENDS", f"{start}{rows}{end}")
    return Piece(code.replace("ROWS", ROWS[facts.kind]).replace("PLACE", FORMS[facts.kind].place), made.imports)


def _luck(facts: Facts) -> str:
    """What a score owes to having been chosen."""
    seeds = f"the mean of {facts.seeds} seeds" if facts.seeds > 1 else "one seed" if facts.seeds == 1 else ""
    best = f"the best of {facts.among} recipes, which flatters it" if facts.among > 1 else ""
    told = ", and ".join(t for t in (seeds, best) if t)
    return f":\n{told}" if told else ""


def _docstring(facts: Facts, target: Target, needed: list[str]) -> str:
    kind = "a number" if facts.regression else f"{len(facts.classes)} classes"
    lines = [
        f"Train a network that predicts {kind} from {FORMS[facts.kind].told(facts)}, in {target.title}.", "",
        "    python THIS_FILE [--data PATH] [--seed NUMBER]", "",
        f"prints the score on validation {ROWS[facts.kind]}: the best of each training, over all folds together.",
    ]  # fmt: skip
    if facts.reached is not None:
        lines += [f"The run that this file repeats reached {facts.reached:.6g}{_luck(facts)}."]
    return "\n".join([*lines, f"It needs {', '.join(needed[:-1])} and {needed[-1]}.", ""])
