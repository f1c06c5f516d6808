"""What the five source texts claim about regularization, measured; one table row a claim. No downloads.

    OMP_NUM_THREADS=1 python benchmarks/claims.py
    OMP_NUM_THREADS=1 python benchmarks/claims.py --only dropout --only batch-norm-rate

It takes some 14 minutes on two processors that have other work. Two processes share the claims, a family at a time. A
table is split ten times at random; whatever is compared trains on the same rows from the same first weights. Intervals
are Student's over the splits, 95 %; splits of one table share rows, so that they are somewhat too narrow. "+5%" is 5 %
less of the figure named, by the mean of logarithms.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import multiprocessing
import sys
import time
import warnings

import torch

from claims_setup import Claim, Finding

FAMILIES = (
    "claims_nets",
    "claims_data",
    "claims_pictures",
    "claims_norm",
    "claims_more",
    "claims_linear",
    "claims_tools",
)
HEAD = (
    "| claim | text | what it says, in our words | how it was measured | figure | verdict |\n|---|---|---|---|---|---|"
)


def claims_of(family: str) -> list[Claim]:
    return importlib.import_module(family).CLAIMS


def measured(family: str, only: tuple[str, ...]) -> list[tuple[str, Finding, float]]:
    """Every claim of a family, or the ones asked for: name, finding, seconds."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the lint's notes on recipes that are put together here to be compared
    found = []
    for claim in claims_of(family):
        if only and claim.name not in only:
            continue
        begun = time.monotonic()
        found.append((claim.name, claim.measure(), time.monotonic() - begun))
        print(f"{claim.name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return found


def row(claim: Claim, finding: Finding) -> str:
    cells = (claim.name, claim.sources, claim.says, claim.how, finding.figure, f"**{finding.verdict}**")
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="measure this claim alone")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    only, begun = tuple(options.only), time.monotonic()
    claims = {claim.name: claim for family in FAMILIES for claim in claims_of(family)}
    unknown = sorted(set(only) - set(claims))
    if unknown:
        parser.error(f"no claim is named {', '.join(unknown)}; there are {', '.join(claims)}")
    asked = [f for f in FAMILIES if not only or any(c.name in only for c in claims_of(f))]
    print(HEAD, flush=True)
    context = multiprocessing.get_context("spawn")  # a fork would inherit the threads of torch
    with concurrent.futures.ProcessPoolExecutor(min(options.processes, len(asked)), context) as pool:
        for found in pool.map(measured, asked, [only] * len(asked)):
            for name, finding, _ in found:
                print(row(claims[name], finding), flush=True)
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
