"""A record as the job writes it, for the tests of what a person sees."""

from __future__ import annotations

import math
from typing import Any

from sample_proof import ablation, curse, diagnosis, importance

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script></style></title><b>",
    "{{7*7}}${7*7}{%raw%}",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\u202eabc",
    "[bold red]markup[/]",
)


def _curve(floor: float, rise: float, seed: int) -> dict[str, Any]:
    steps = list(range(0, 2000, 25))
    noise = [0.02 * math.sin(s * 12.9898 + 1) for s in steps]
    train = [[2.0 * math.exp(-s / 220) + floor + 0.03 * k * math.exp(-s / 900) for s in steps] for k in range(seed)]
    valid = [
        [
            2.0 * math.exp(-s / 260) + 0.3 + rise * s / 2000 + (0.015 + rise * s / 40000) * k + e
            for s, e in zip(steps, noise, strict=True)
        ]
        for k in range(seed)
    ]
    best = min(range(len(steps)), key=lambda i: sum(row[i] for row in valid))
    return {"step": steps, "train": train, "valid": valid, "stop": steps[best] if rise > 0.1 else 1500}


def _line(
    key: str, label: str, score: float, half: float, gain: float | None, detail: str = "as it is"
) -> dict[str, Any]:  # fmt: skip
    reference = 0.3542
    told = None
    if gain is not None:
        ends = [gain - 0.006, gain + 0.006]
        told = {"against": "control_best", "value": gain, "relative": gain / reference, "interval": ends}
    secondary = {"accuracy": 1 - score / 2.4, "auc": 1 - score / 4, "balanced_accuracy": 0.98 - score / 2.4}
    return {
        "key": key, "label": label, "score": score, "interval": [score - half, score + half], "seeds": 8,
        "secondary": secondary, "gain": told, "detail": detail, "seconds": 3.2,
        "parameters": 41_474 if key not in ("dummy", "boosting") else None,
    }  # fmt: skip


def comparison() -> list[dict[str, Any]]:
    return [
        _line("dummy", "majority class", 0.5512, 0.003, None),
        _line("linear", "logistic regression", 0.3262, 0.008, 0.028),
        _line("boosting", "histogram gradient boosting", 0.2895, 0.007, 0.0647),
        _line("control_last", "network, no regularization, last epoch", 0.4871, 0.021, -0.1329),
        _line("control_best", "network, no regularization, best epoch", 0.3542, 0.009, None),
        _line("early_stopping", "early stopping alone", 0.3518, 0.009, 0.0024, "patience 8"),
        _line("single", "best single regularizer", 0.3291, 0.008, 0.0251, "Dropout p 0.31"),
        _line("cocktail", "best cocktail", 0.3014, 0.007, 0.0528, "5 regularizers"),
        _line("refit", "best cocktail, refit with 8 seeds", 0.2998, 0.007, 0.0544),
        _line("ensemble", "greedy ensemble of 12 members", 0.2931, 0.007, 0.0611),
    ]


def _data() -> dict[str, Any]:
    return {
        "file": "adult.csv", "rows": 32561, "features": 14, "encoded": 61, "task": "binary", "target": "income",
        "classes": ["<=50K", ">50K"], "class_counts": [24720, 7841], "hash": "sha256:7f3a9c0d11",
        "columns": [
            {"name": "age", "kind": "number", "reason": ""},
            {"name": "id", "kind": "dropped", "reason": "unique in every row"},
        ],
        "notes": [{"code": "WF-D73", "sentence": "24 exact duplicate rows kept together in one split."}],
        "split": "70/15/15 stratified, fixed by a hash of the rows",
        "train_rows": 22793, "valid_rows": 4884, "test_rows": 4884, "folds": 1,
    }  # fmt: skip


def _plan() -> dict[str, Any]:
    return {
        "shape": {"inputs": 61, "outputs": 2, "width": 128, "depth": 3, "residual": True}, "batch": 128, "steps": 2000,
        "evaluate_every": 50, "chunk": 32, "workers": 1, "mode": "stack", "rate": 11250.0,
        "rungs": [{"name": "search", "generation": 1, "members": 64, "until": 300}], "final_seeds": 8,
        "cuts": ["64 instead of 96 members: the budget is 60 s"], "skipped": ["second generation of the search"],
    }  # fmt: skip


def _candidate(k: int) -> dict[str, Any]:
    share = (k * 37) % 101 / 101
    loss = 0.3 + 0.04 * (k % 4 == 0) + 0.25 * abs(share - 0.55) + 0.0007 * ((k * 53) % 97)
    kind = "control" if k % 4 == 0 else "cocktail"
    return {"label": f"Dropout, Mixup {k}", "kind": kind, "rate": 10 ** (2.2 * share - 4), "loss": loss, "step": 300}


_KNOBS = (("Dropout p", 0.02, 0.6), ("Mixup alpha", 0.05, 1.0), ("WeightDecay strength", 1e-5, 0.1),
          ("LabelSmoothing strength", 0.01, 0.2), ("EMA decay", 0.9, 0.999), ("InputNoise std", 0.01, 0.5))  # fmt: skip


def _search(candidates: int) -> dict[str, Any]:
    rungs = [
        {"name": "search", "members": 64 // 2**k, "until": 300 * 2**k, "best": 0.34 - 0.01 * k, "seconds": 6.0,
         "kept": 32 // 2**k}
        for k in range(4)
    ]  # fmt: skip
    told = [_candidate(k) for k in range(candidates)]
    tried: dict[str, Any] = {name: [c[name] for c in told] for name in ("kind", "rate", "loss", "step")}
    tried["knobs"] = {
        knob: [
            None if (k * (step + 1)) % 4 == 0 else low * (high / low) ** ((k * step * 7) % 97 / 97)
            for k in range(candidates)
        ]
        for step, (knob, low, high) in enumerate(_KNOBS, start=1)
    }
    steps = {"controls": 410_000, "search": 423_000}
    return {
        "members": 96,
        "diverged": 2,
        "member_steps": steps,
        "rungs": rungs,
        "candidates": told[:200],
        "tried": tried,
    }


def record(candidates: int = 96) -> dict[str, Any]:
    """A finished run."""
    recipe = {
        "format": "wellfit.recipe", "version": 1, "settings": {"learning_rate": 0.0021},
        "regularizers": [
            {"Dropout": {"p": 0.18}}, {"Mixup": {"alpha": 0.3}}, {"LabelSmoothing": {"strength": 0.04}},
            {"where": {"pattern": "head.*", "of": {"WeightDecay": {"strength": 0.031}}}},
            {"schedule": {"dial": {"ramp": {"epochs": 5.0}}, "of": {"InputNoise": {"std": 0.1}}}},
        ],
    }  # fmt: skip
    phases = [("read and check", 1.9, 0), ("controls", 19.8, 410_000), ("search", 24.0, 423_000)]
    phases += [("re-scoring", 9.1, 90_000), ("test", 1.4, 0)]
    return {
        "format": "wellfit.run", "version": 1, "wellfit": "0.1.0", "status": "finished", "name": "adult-7f3a",
        "options": {"target": "income", "budget": "60s", "seed": 0, "metric": None, "device": "auto", "drop": []},
        "data": _data(), "machine": {"device": "cpu", "processors": 2, "torch": "2.13.0", "python": "3.11.9"},
        "plan": _plan(), "phases": [{"name": n, "seconds": s, "member_steps": m} for n, s, m in phases],
        "metric": {"name": "log loss", "lower_is_better": True}, "comparison": comparison(),
        "verdict": {
            "level": "helps", "not_checked": ["label noise", "larger networks"],
            "sentence": "The best cocktail lowers log loss by 15.4 % [13.7, 17.0] against the same network without "
            "regularization; gradient boosting is still better by 0.010.",
        },
        "recipe": recipe, "calibration": {"temperature": 1.08}, "search": _search(candidates),
        "curves": {"control": _curve(0.02, 0.6, 5), "cocktail": _curve(0.22, 0.02, 5)},
        "diagnosis": diagnosis(), "ablation": ablation(), "curse": curse(), "importance": importance(),
        "selection": {
            "parts": ["GroupLasso"], "weights": "handed over", "trainings": 8,
            "columns": [
                {"name": n, "removed": s > 0.5, "share": s} for n, s in (("age", 0.1), ("fnlwgt", 0.9), ("hours", 0.0))
            ],
        },
        "test_reads": 1, "seconds": 58.6, "events": ["chunk halved to 16 after a memory error"],
    }  # fmt: skip


FORMAT = ("key", "level", "status")
"""Keys whose values are words of the format: a page looks different where they are others."""


def poisoned(value: Any, payload: str, kept: tuple[str, ...] = FORMAT) -> Any:
    """The record with a payload at the end of every text, keys of the format aside."""
    if isinstance(value, dict):
        return {key: item if key in kept else poisoned(item, payload, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, payload, kept) for item in value]
    return value + payload if isinstance(value, str) else value
