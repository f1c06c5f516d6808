"""Tables from the results of peers.py and generalization.py: mean ranks, mean figures, and the floor.

python benchmarks/summary.py --peers benchmarks/results/peers.csv --wellfit benchmarks/results/wellfit20.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd


def read(path: Path) -> pd.DataFrame:
    """Results with one deciding figure a row: log loss, or normalized RMSE."""
    frame = pd.read_csv(path)
    frame["loss"] = frame["log_loss"].fillna(frame["nrmse"])
    return frame


def ranks(frame: pd.DataFrame, peers: list[str]) -> tuple[pd.Series, int, int]:
    """Mean ranks over the tables, each the mean over the splits that all peers share; with how many of both."""
    chosen = frame[frame["peer"].isin(peers)]
    counts = chosen.groupby(["table", "split"])["peer"].nunique()
    shared = counts[counts == len(peers)].index
    kept = chosen.set_index(["table", "split"]).loc[shared].reset_index()
    means = kept.groupby(["table", "peer"])["loss"].mean().unstack()
    return means.rank(axis=1).mean().sort_values(), len(means), len(shared)


def floor(frame: pd.DataFrame, better: str, base: str) -> tuple[int, int, float, float]:
    """Tables on which one has the lower mean loss over the splits, of how many, with median and mean relative gain."""
    means = frame.groupby(["table", "peer"])["loss"].mean().unstack()
    pair = means[[better, base]].dropna()
    gains = (pair[base] - pair[better]) / pair[base]
    return int((gains > 0).sum()), len(gains), float(gains.median()), float(gains.mean())


def show(frame: pd.DataFrame, peers: list[str]) -> None:
    """Mean loss of each peer on each table, over the splits that each of them has."""
    means = frame[frame["peer"].isin(peers)].groupby(["table", "peer"])["loss"].mean().unstack()
    held = [p for p in peers if p in means]
    print("| table | " + " | ".join(held) + " |")
    print("|---" * (len(held) + 1) + "|")
    for table, row in means[held].iterrows():
        best = np.nanmin(row.to_numpy())
        cells = [f"**{v:.4f}**" if v == best else f"{v:.4f}" if np.isfinite(v) else "" for v in row]
        print(f"| {table} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--wellfit", type=Path, required=True)
    asked = parser.parse_args()
    own = read(asked.wellfit)
    frame = pd.concat([read(asked.peers), own.assign(peer="wellfit " + own["peer"])])
    for base in ("control_best", "control_last", "early_stopping", "best_single"):
        for better in ("cocktail", "single", "ensemble"):
            won, of, median, mean = floor(own, better, base)
            print(f"{better} beats {base} on {won} of {of} tables; relative gain median {median:.1%}, mean {mean:.1%}")
    cheap = ["linear", "sk_mlp", "rf", "xgb", "lgbm"]
    for entrant in ("wellfit single", "wellfit ensemble"):
        for rivals in (cheap, [*cheap, "realmlp"], [*cheap, "realmlp", "catboost"]):
            found, tables, splits = ranks(frame, [*rivals, entrant])
            order = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
            print(f"mean ranks over {tables} tables, {splits} splits: {order}")
    shown = [f"wellfit {entrant}" for entrant in ("control_best", "cocktail", "single", "ensemble")]
    show(frame, [*cheap, "realmlp", "catboost", *shown])


if __name__ == "__main__":
    main()
