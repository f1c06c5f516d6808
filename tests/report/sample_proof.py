"""What diagnosis, proof and the inside of a network add to a record, for the tests of the page."""

from __future__ import annotations

from typing import Any

_VARIANTS = (
    ("early_stop", "stop at the best epoch", 0.0633, 0.011, True),
    ("more_regularization", "more regularization", 0.0571, 0.012, True),
    ("half_data", "half the data", -0.0804, 0.014, False),
    ("rate_down", "learning rate / 10", 0.0041, 0.009, False),
    ("rate_up", "learning rate x 10", -0.0312, 0.021, False),
    ("longer", "three times the epochs", -0.0497, 0.013, False),
    ("wider", "four times the width", -0.0022, 0.010, False),
)
_LAYERS = (
    ("blocks.0.linear", 1.2e-3, 2.1e-1, 0.02, 0.081, 0.102),
    ("blocks.1.linear", 9.4e-4, 1.4e-1, 0.11, 0.064, 0.088),
    ("blocks.2.linear", 3.1e-5, 2.0e-4, 0.47, 0.021, 0.088),
    ("head", 4.2e-2, 3.3e-1, 0.0, 0.140, 0.071),
)


def diagnosis() -> dict[str, Any]:
    """A confirmed overfit with all that a diagnosis can hold."""
    variants = [
        {"name": n, "label": label, "gain": g, "interval": [g - h, g + h], "relative": g / 0.3542, "seeds": 3,
         "helps": helps}
        for n, label, g, h, helps in _VARIANTS
    ]  # fmt: skip
    finding = {
        "code": "WF020", "outcome": "finding", "severity": "high",
        "sentence": "Validation loss rises from step 825 on.", "number": 0.18, "unit": "of the loss",
        "interval": [0.14, 0.22],
        "remedies": ["early stopping with patience 8", "AdamW weight decay 0.01"], "anchor": "docs/diagnosis.md#wf020",
    }  # fmt: skip
    others = [
        {"code": "WF005", "outcome": "finding", "severity": "medium", "sentence": "47 % of a layer's units are dead.",
         "number": 0.47, "unit": "of blocks.2.linear", "interval": None, "remedies": ["He initialization"]},
        {"code": "WF003", "outcome": "healthy", "sentence": "No loss is infinite.", "number": None, "remedies": []},
        {"code": "WF024", "outcome": "not_applicable", "sentence": "The width was not varied.", "remedies": []},
    ]  # fmt: skip
    layers = [
        {"name": n, "update_ratio": u, "gradient_ratio": g, "dead": d, "saturated": 0.01, "norm": w, "first_norm": f}
        for n, u, g, d, w, f in _LAYERS
    ]
    rows = (60, 80, 90, 110, 160, 190, 260, 410, 900, 2624)
    bins = [{"confidence": 0.525 + 0.05 * k, "accuracy": 0.5 + 0.044 * k, "count": n} for k, n in enumerate(rows)]
    return {
        "verdict": "overfit", "code": "WF020", "confidence": "confirmed", "findings": [finding, *others],
        "sentence": "Stopping at the best epoch lowers the loss by 18 % [14, 22]; more penalties by 16 % [12, 19].",
        "variants": variants, "remedies": ["early stopping"], "not_checked": ["random labels: no budget was given"],
        "layers": layers, "calibration": {"ece": 0.031, "temperature": 1.32, "interval": [1.21, 1.44], "bins": bins},
        "classes": [
            {"name": "<=50K", "rows": 3708, "train": 0.97, "valid": 0.94, "gap": 0.03, "interval": [0.02, 0.04]},
            {"name": ">50K", "rows": 1176, "train": 0.91, "valid": 0.67, "gap": 0.24, "interval": [0.21, 0.27]},
        ],
        "studies": {
            "label-noise": {"share": 0.04, "rows": [12, 845, 1023, 20117], "sentence": "4 of 100 rows look mislabeled"},
            "learning-curve": {
                "rows": [2849, 5698, 11396, 22793], "loss": [0.41, 0.372, 0.334, 0.301], "seeds": 3, "double": 0.08,
                "interval": [0.06, 0.11], "sentence": "twice the rows would lower the validation loss 8% [6%, 11%]",
            },
            "random-labels": {"ratio": 0.41, "sentence": "of permuted labels 41% as much is learned by heart"},
        },
        "cost": {"trainings": 24, "seconds": 18.2, "times": 2.7},
    }  # fmt: skip


def ablation() -> dict[str, Any]:
    """Five parts, of which one earned nothing."""
    told = (("Mixup", 0.0092, True), ("Dropout", 0.0071, True), ("WeightDecay", 0.0042, True),
            ("InputNoise", 0.0029, True), ("LabelSmoothing", 0.0003, False))  # fmt: skip
    rows = [
        {"name": n, "label": n, "gain": g, "interval": [g - 0.0018, g + 0.0018], "p": 0.001 if kept else 0.6,
         "p_adjusted": 0.005 if kept else 0.6, "kept": kept}
        for n, g, kept in told
    ]  # fmt: skip
    lean = {
        "format": "wellfit.recipe",
        "version": 1,
        "regularizers": [{"Dropout": {"p": 0.18}}, {"Mixup": {"alpha": 0.3}}],
    }
    return {
        "metric": "log loss", "margin": 0.002, "margin_share": 0.1, "seeds": 5, "rows": rows,
        "fresh": True, "why_no_lean": "",
        "lean": {"recipe": lean, "dropped": ["LabelSmoothing"], "difference": 0.0002, "interval": [-0.0011, 0.0015],
                 "non_inferior": True},
    }  # fmt: skip


def curse() -> dict[str, Any]:
    return {"at_selection": 0.2874, "rescored": 0.2961, "test": 0.3014, "metric": "log loss", "among": 96,
            "fresh_rows": True}


def importance() -> list[dict[str, Any]]:
    told = (("learning rate", 0.41), ("Dropout p", 0.17), ("Mixup alpha", 0.12), ("WeightDecay strength", 0.05))
    return [{"name": n, "share": s, "interval": [s * 0.7, s * 1.3]} for n, s in told]
