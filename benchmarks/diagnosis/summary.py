"""How often each method is right on the bank, how often it calls health overfitting, and what the diagnosis costs.

    python benchmarks/diagnosis/summary.py

Reads `kept.csv` and `verdicts.csv`. A verdict is right where its label is the truth's (`bank_labels.LABELS`); undecided
is wrong unless it was planted, and so is an error. The second column of shares merges labels to what every method can
say (`bank_labels.COARSE`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from bank_labels import LABEL_OF, LABELS, coarse
from bank_methods import METHODS
from bank_sources import PICTURE_FILES, TEXTS

RESULTS = Path(__file__).parents[1] / "results" / "diagnosis"
NUMBERS = ("abalone", "diabetes", "cal-housing", "kin8nm", "energy", "concrete", "parkinsons")


def kind_of(data: str) -> str:
    """Table, image, text or regression."""
    if data in PICTURE_FILES:
        return "image"
    return "text" if data in TEXTS else "regression" if data in NUMBERS else "table"


def joined(kept: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row a case and method, with the truth beside what was said."""
    truth = kept[kept["kept"] == "yes"].rename(columns={"label": "truth", "codes": "right_codes"})
    verdicts = verdicts.drop_duplicates(["case", "method"], keep="last")  # of what was run again
    both = truth.merge(verdicts.rename(columns={"label": "said"}), on="case", how="inner")
    both["kind"] = both["data"].map(kind_of)
    both["ill"] = both["truth"] != "healthy"
    both["right"] = both["said"] == both["truth"]
    both["coarse_right"] = [_coarse(s) == coarse(t) for s, t in zip(both["said"], both["truth"], strict=True)]
    both["false_overfit"] = ~both["ill"] & (both["said"] == "overfit")
    codes = zip(both["code"].fillna(""), both["right_codes"], strict=True)
    both["code_right"] = [code in right.split() for code, right in codes]
    return both


def _coarse(label: str) -> str:
    return coarse(label) if label in LABELS else label


def table(rows: pd.DataFrame, by: str) -> str:
    """Share of right verdicts of each method, for each value of a column."""
    lines = [f"| {by} | cases | " + " | ".join(METHODS) + " |", "|---" * (2 + len(METHODS)) + "|"]
    for value, part in rows.groupby(by):
        cells = [_share(part[part["method"] == m], "right") for m in METHODS]
        lines.append(f"| {value} | {part['case'].nunique()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(part: pd.DataFrame, column: str) -> str:
    return f"{part[column].sum()} of {len(part)} ({part[column].mean():.0%})" if len(part) else ""


def headline(rows: pd.DataFrame) -> str:
    """Per method: right verdicts of ill and healthy cases, at both label sets, and false overfit among the healthy."""
    titles = ["right, all labels", "of the ill", "of the healthy", "right, merged labels", "healthy called overfit"]
    lines = ["| method | " + " | ".join(titles) + " |", "|---" * (1 + len(titles)) + "|"]
    for method in METHODS:
        part = rows[rows["method"] == method]
        if len(part):
            ill, healthy = part[part["ill"]], part[~part["ill"]]
            cells = [_share(part, "right"), _share(ill, "right"), _share(healthy, "right")]
            cells += [_share(part, "coarse_right"), f"{healthy['false_overfit'].sum()} of {len(healthy)}"]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def confusion(rows: pd.DataFrame, method: str) -> str:
    """Truth down, what was said across."""
    part = rows[rows["method"] == method]
    said = [label for label in (*LABELS, "error") if (part["said"] == label).any()]
    lines = ["| truth | " + " | ".join(said) + " |", "|---" * (1 + len(said)) + "|"]
    for label in LABELS:
        row = part[part["truth"] == label]
        if len(row):
            lines.append(f"| {label} | " + " | ".join(str((row["said"] == s).sum()) for s in said) + " |")
    return "\n".join(lines)


def cost(rows: pd.DataFrame) -> str:
    """What a diagnosis takes, as a multiple of one plain training of the same case just before it."""
    own = rows[rows["method"] == "wellfit"]
    if own.empty:
        return "wellfit's diagnosis was not run"
    each = own["seconds"] / own["training"]
    whole = own["seconds"].sum() / own["training"].sum()
    spread = ", ".join(f"{q:.0%} of cases under {each.quantile(q):.1f}" for q in (0.25, 0.5, 0.75, 0.9))
    return f"{whole:.1f} times one training over all cases; {spread}; {own['seconds'].sum() / 60:.0f} minutes in all"


def misses(rows: pd.DataFrame) -> str:
    """Every case that wellfit got wrong."""
    own = rows[(rows["method"] == "wellfit") & ~rows["right"]]
    return "\n".join(f"- {r.case}: {r.truth}, said {r.said} ({r.code})" for r in own.itertuples())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--misses", action="store_true", help="list what wellfit got wrong")
    asked = parser.parse_args()
    rows = joined(pd.read_csv(asked.results / "kept.csv"), pd.read_csv(asked.results / "verdicts.csv"))
    print(f"{rows['case'].nunique()} cases, {rows[rows['ill']]['case'].nunique()} of them ill\n")
    shared = rows[rows["case"].isin(rows[rows["method"] == "wellfit"]["case"])]
    if 0 < shared["case"].nunique() < rows["case"].nunique():
        print(f"wellfit was run on {shared['case'].nunique()} of them; all methods on these:\n\n{headline(shared)}\n")
    print(headline(rows), "\n\nCost: " + cost(rows), sep="")
    own = rows[rows["method"] == "wellfit"]
    if len(own):
        named = own[own["right"] & own["code"].isin(LABEL_OF)]
        print(f"Of the right verdicts, {_share(named, 'code_right')} name the planted cause by its code.")
    for by in ("kind", "truth"):
        print("\n" + table(rows, by))
    for method in METHODS:
        if (rows["method"] == method).any():
            print(f"\n{method}:\n\n{confusion(rows, method)}")
    if asked.misses:
        print("\n" + misses(rows))


if __name__ == "__main__":
    main()
