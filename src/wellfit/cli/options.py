"""The options of the commands: how each is written, and what help says of it."""

from __future__ import annotations

from typing import Annotated

import typer


def _column(text: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="COLUMN", help=text)


def _file(text: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="FILE", help=text)


def _name(text: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="NAME", help=text)


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table (.csv, .tsv, .txt, also .gz, .zip; .parquet), or images: a folder of class folders, or .npz.",
    ),
]
Curves = Annotated[
    str,
    typer.Argument(metavar="PATH", help="Curves (.csv, Keras .json, Lightning metrics.csv, tfevents), or a table."),
]
New = Annotated[
    str,
    typer.Argument(metavar="NEW", help="A table with the columns of the training; for images a folder, file or .npz."),
]
PageOut = Annotated[
    str | None, typer.Option("--out", metavar="FILE", help="The page; report.html in the run's folder by default.")
]
DiagnosisOut = Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Write a page, as .html.")]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="The run's folder.")]
Asked = Annotated[list[str], typer.Argument(metavar="NAME...", help="A regularizer's name or a code.")]

Target = Annotated[str | None, _column("The column to predict.")]
Text = Annotated[str | None, _column("The column of texts: they are told apart, not the table's columns.")]
Size = Annotated[int | None, typer.Option(metavar="PIXELS", help="The longer side that images are resized to.")]
Network = Annotated[str, _name("For texts: ngrams, bag, cnn or transformer; auto chooses.")]
Lexicon = Annotated[str | None, _file("For texts: where synonyms come from, a WordNet folder or a file of groups.")]
Group = Annotated[str | None, _column("Rows with one value of this column stay together.")]
Time = Annotated[str | None, _column("Split by this column: no future row in training.")]
Weight = Annotated[str | None, _column("The column of row weights.")]
Drop = Annotated[list[str] | None, _column("Leave a column out; may be repeated.")]
Category = Annotated[list[str] | None, _column("Read a column of numbers as names; may be repeated.")]
Number = Annotated[list[str] | None, _column("Keep a column of numbers, whatever is found; may be repeated.")]

Valid = Annotated[str | None, _file("A file or folder with the validation rows.")]
Test = Annotated[str | None, _file("A file or folder with the test rows.")]
RecipeFile = Annotated[str | None, _file("A recipe.json to train with instead of searching.")]
Start = Annotated[str | None, _file("What the search begins with: a recipe.json, a diagnosis (--json), or a run.")]
Allow = Annotated[list[str] | None, typer.Option(metavar="CODE", help="Let the recipe break a rule; may be repeated.")]
Plan = Annotated[str | None, _file("A run.json whose plan is repeated exactly.")]
Predictions = Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="Where predictions go, as CSV.")]

Balance = Annotated[str | None, _name("none, weights, smote or search: balance the training rows, and compare.")]
ClassWeight = Annotated[str | None, _name("balanced: every class counts the same.")]
Metric = Annotated[str | None, _name("Any scikit-learn scorer; log loss or RMSE by default.")]
Task = Annotated[str | None, _name("binary, multiclass or regression; told from the target by default.")]
Device = Annotated[str, _name("auto, cpu or cuda.")]
Model = Annotated[str, _name("ensemble or single.")]

Budget = Annotated[str, typer.Option(metavar="TIME", help="Time from the start of the process: 60s, 10m, 1h.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Where random draws start from.")]
Out = Annotated[str | None, typer.Option(metavar="FOLDER", help="The run's folder; runs/NAME-HASH by default.")]
PruneOut = Annotated[
    str | None, typer.Option("--out", "-o", metavar="FOLDER", help="The smaller run's folder; RUN-pruned by default.")
]
Framework = Annotated[str, typer.Option("--to", metavar="NAME", help="torch, lightning, keras or sklearn.")]
TableFile = Annotated[
    str | None,
    typer.Option("--data", metavar="PATH", help="The run's table, images or texts: the program has its split then."),
]
RunTable = Annotated[
    str | None, typer.Option("--data", metavar="FILE", help="The run's table; by default the file of its name here.")
]
ProgramOut = Annotated[
    str | None, typer.Option("--out", "-o", metavar="FILE", help="Where the program goes; printed by default.")
]
DemoOut = Annotated[str, typer.Option(metavar="FOLDER", help="The folder for tables and run.")]

GalleryOut = Annotated[str | None, typer.Argument(metavar="OUT", help="The folder for pictures, numbers and the page.")]
Only = Annotated[list[str] | None, _name("Only this figure; may be repeated.")]
Figures = Annotated[bool, typer.Option("--list", help="Name the figures.")]
Png = Annotated[bool, typer.Option("--png", help="Write each picture as .png, too.")]

Family = Annotated[list[str] | None, _name("Only this family, such as penalties; may be repeated.")]
Stage = Annotated[list[str] | None, _name("Only what acts at this stage, such as batch; may be repeated.")]
Grade = Annotated[list[str] | None, _name("Only this grade: A, B, C, or one with its sign, A-; may be repeated.")]
Compare = Annotated[bool, typer.Option("--compare", help="Show the regularizers side by side.")]

From = Annotated[
    str | None, typer.Option("--from", metavar="TOOL NAME=VALUE...", help="The tool whose setting you have.")
]
To = Annotated[str | None, typer.Option("--to", metavar="TOOL NAME=VALUE...", help="The tool whose setting you want.")]
Rows = Annotated[str | None, typer.Option("--n", metavar="NUMBER", help="Training rows.")]
Batch = Annotated[str | None, typer.Option(metavar="NUMBER", help="Rows in one step.")]
Rate = Annotated[
    str | None, typer.Option("--lr", metavar="NUMBER", help="Learning rate, where a tool names none of its own.")
]
SpreadY = Annotated[
    str | None, typer.Option("--sd-y", metavar="NUMBER", help="Standard deviation of the target, dividing by n.")
]
SizeX = Annotated[
    str | None, typer.Option("--x-rms", metavar="NUMBER", help="Root mean square of the columns; 1: standardized.")
]
Tools = Annotated[bool, typer.Option("--list", help="List the tools that can be translated.")]

Study = Annotated[
    list[str] | None, _name("learning-curve, label-noise, random-labels or bias-variance; may be repeated.")
]
FailOn = Annotated[list[str] | None, _name("Exit with 10 on this verdict: overfit, or overfit:confirmed.")]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Try every change, also those that the verdict does not need.")
]
Epochs = Annotated[int | None, typer.Option(metavar="NUMBER", help="Passes over the training rows; 40 by default.")]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to standard output.")]
Silence = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colors; NO_COLOR in the environment does the same.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
