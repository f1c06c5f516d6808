"""Rules about stopping, monitoring, batches and the scales of inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wellfit.lint.findings import rule
from wellfit.lint.situation import BATCH_NORMS, MIXING, Situation
from wellfit.recipe import leaf_of


@rule(
    "WF-L20", "error", "training accuracy watched under mixing",
    source="Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412",
    fix="Watch a measure on clean validation rows.",
)  # fmt: skip
def accuracy_under_mixing(at: Situation) -> Iterator[str]:
    watched = at.monitor.lower().replace("-", "_")
    on_training = "acc" in watched and ("train" in watched or watched in ("acc", "accuracy"))
    for part in at.parts(*MIXING) if on_training else ():
        yield f"{at.monitor} counts hits on the blended rows of {part.name}, which have no single label."


@rule(
    "WF-L21", "error", "stopping decided on the test rows",
    source="Prechelt, Early Stopping - But When?, 1998",
    fix="Hold out validation rows and stop on those.",
)  # fmt: skip
def stopped_on_test(at: Situation) -> Iterator[str]:
    if at.stopping_on == "test" or at.monitor.lower().startswith("test"):
        who = next((p.name for p in at.parts("EarlyStopping", "ReduceOnPlateau")), "the choice of the best weights")
        yield f"{who} looks at the test rows, whose score then means nothing."


@rule(
    "WF-L22", "error", "augmented validation rows",
    source="Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995",
    fix="Augment training rows only.",
)  # fmt: skip
def augmented_validation(at: Situation) -> Iterator[str]:
    for part in at.recipe if at.augment_validation else ():
        if "batch" in part.stages and not part.is_neutral():
            yield f"{part.name} would change validation rows, too."


@rule(
    "WF-L23", "warning", "stopping before the schedule ends",
    source="Loshchilov & Hutter, SGDR, ICLR 2017, arXiv 1608.03983",
    fix="Let the schedule end first, or stop by its end.",
)  # fmt: skip
def stopped_early(at: Situation) -> Iterator[str]:
    for stopper in at.parts("EarlyStopping"):
        patience = at.knob(stopper, "patience")
        for part in at.parts("CosineSchedule", "SnapshotCycle"):
            length = getattr(leaf_of(part), "epochs", None)
            if length is not None and float(length) > patience:
                waits = f"{stopper.name} waits {patience:g} evaluations, {part.name} runs {float(length):g} epochs"
                yield f"{waits}: the rate may never come down."
        for part in at.parts("SWA"):
            yield f"{stopper.name} judges the weights, not their average: {part.name} may never collect its share."


@rule(
    "WF-L24", "note", "stopping where the loss may come down twice",
    source="Nakkiran et al., Deep Double Descent, ICLR 2020, arXiv 1912.02292",
    fix="Train one network to the end before you trust a short patience.",
)  # fmt: skip
def double_descent(at: Situation) -> Iterator[str]:
    if at.model is None or not at.rows:
        return
    count = sum(p.numel() for p in at.model.parameters())
    for stopper in at.parts("EarlyStopping"):
        if 0.5 <= count / at.rows <= 2.0 and at.knob(stopper, "patience") < 10:
            yield f"{count:,} parameters on {at.rows:,} rows: near where validation loss may rise and fall again."


@rule(
    "WF-L25", "warning", "batch norm on small batches",
    source="Wu & He, Group Normalization, ECCV 2018, arXiv 1803.08494",
    fix="Use GroupNorm or LayerNorm, or batches of 16 and more.",
)  # fmt: skip
def small_batches(at: Situation) -> Iterator[str]:
    inside = any(isinstance(m, BATCH_NORMS) for _, m in at.modules())
    if not at.batch or not (inside or at.has("BatchNorm", "GhostBatchNorm")):
        return
    if at.batch < 8:
        yield f"batch statistics over {at.batch} rows are mostly noise."
    elif at.rows and at.rows % at.batch == 1:
        yield f"{at.rows} rows in batches of {at.batch} leave a last batch of 1, whose variance is 0."


@rule(
    "WF-L26", "warning", "a penalty on inputs of different scales",
    source="Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2009, section 3.4",
    fix="Standardize the inputs first.",
)  # fmt: skip
def unequal_scales(at: Situation) -> Iterator[str]:
    if not at.scales:
        return
    named = dict(at.scales) if isinstance(at.scales, Mapping) else dict(enumerate(at.scales))
    known = {str(n): float(s) for n, s in named.items() if float(s) > 0}
    if known and max(known.values()) > 10 * min(known.values()):
        low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        for part in at.parts("L1", "L2", "ElasticNet", "GroupLasso", "Lp", "LInfinity", "WeightDecay", "InputNoise"):
            yield (
                f"{part.name} treats all inputs alike, but column {high} spreads {known[high]:.3g} and column {low}"
                f" {known[low]:.3g}."
            )
