"""Rules about regularizers that meet each other."""

from __future__ import annotations

from collections.abc import Iterator

from wellfit.lint.findings import rule
from wellfit.lint.situation import DECOUPLED, MIXING, Situation
from wellfit.recipe import leaf_of

_AUGMENTING = (*MIXING, "Cutout", "InputNoise")
_QUADRATIC = ("L2", "ElasticNet")


@rule(
    "WF-L01", "error", "weights decayed twice",
    source="Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101",
    fix="Keep one of the two.",
)  # fmt: skip
def decayed_twice(at: Situation) -> Iterator[str]:
    quadratic = [p for p in at.parts(*_QUADRATIC) if float(getattr(leaf_of(p), "l1_ratio", 0.0)) < 1.0]
    decays = at.parts("WeightDecay")
    for one, other in ((a, b) for a in quadratic for b in decays if at.meet(a, b)):
        yield f"{one.name} and {other.name} both shrink the weights."
    for one in quadratic + decays:
        if inside := at.decay_of_optimizer(one):
            yield f"{one.name} and {at.optimizer_name}(weight_decay={inside:g}) both shrink the weights."


@rule(
    "WF-L02", "warning", "L2 in the loss with an adaptive optimizer",
    source="Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101",
    fix="Use WeightDecay, which acts evenly on all weights.",
)  # fmt: skip
def quadratic_with_adaptive(at: Situation) -> Iterator[str]:
    for part in at.parts(*_QUADRATIC) if at.adaptive else ():
        yield f"{at.optimizer_name} divides the gradient of {part.name} by its own size, weight by weight."
    for part in at.parts("WeightDecay") if at.adaptive else ():
        if getattr(leaf_of(part), "form", "decoupled") == "coupled":
            yield f"{at.optimizer_name} divides coupled weight decay by the gradient's size, weight by weight."


@rule(
    "WF-L03", "warning", "labels softened twice",
    source="Mueller, Kornblith & Hinton, When Does Label Smoothing Help?, NeurIPS 2019, arXiv 1906.02629",
    fix="Keep one of the two.",
)  # fmt: skip
def softened_twice(at: Situation) -> Iterator[str]:
    for smoothing in at.parts("LabelSmoothing"):
        for other in at.parts(*MIXING):
            yield f"{smoothing.name} softens labels that {other.name} has mixed already."
        for other in at.parts("Distillation", "SelfDistillation"):
            yield f"{smoothing.name} on top of {other.name}: a smoothed teacher tells its pupil less."


@rule(
    "WF-L04", "warning", "L1 by its subgradient under an adaptive optimizer",
    source="Parikh & Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014",
    fix="Use the proximal form, which is the default.",
)  # fmt: skip
def subgradient(at: Situation) -> Iterator[str]:
    for part in at.parts("L1", "ElasticNet"):
        if getattr(leaf_of(part), "form", "proximal") == "loss":
            how = f"with {at.optimizer_name} " if at.adaptive else ""
            yield f"{part.name} in the loss {how}sets no weight to exactly zero."


@rule(
    "WF-L05", "note", "max-norm beside what keeps norms small already",
    source="Srivastava et al., Dropout, JMLR 15, 2014",
    fix="Keep one of the two, unless a test shows that both help.",
)  # fmt: skip
def bounded_twice(at: Situation) -> Iterator[str]:
    for bound in at.parts("MaxNorm"):
        for other in at.parts("WeightDecay", "L2", "WeightStandardization", "SpectralNorm", "UnitNorm"):
            if "rewrite" in other.stages or at.meet(bound, other):
                yield f"{bound.name} and {other.name} both keep the weights' norms small."


@rule(
    "WF-L10", "note", "a ball and the penalty that it stands for",
    source="Boyd & Vandenberghe, Convex Optimization, 2004, section 5.5",
    fix="Keep one: wellfit.duality finds the radius that a strength stands for.",
)  # fmt: skip
def bounded_and_charged(at: Situation) -> Iterator[str]:
    for ball in at.parts("Ball"):
        for other in at.parts("L1", "L2", "ElasticNet", "WeightDecay"):
            if at.meet(ball, other):
                yield f"{ball.name} and {other.name} are two forms of the same thing."


@rule(
    "WF-L06", "note", "noise on inputs that a batch norm reads first",
    source="Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167",
    fix="Lower the noise, or normalize after the first layer only.",
)  # fmt: skip
def noise_before_norm(at: Situation) -> Iterator[str]:
    for part in at.parts("InputNoise"):
        first = at.modules()[:1]
        if at.has("BatchNorm", "GhostBatchNorm") or (first and "BatchNorm" in type(first[0][1]).__name__):
            yield f"{part.name} widens the batch's own spread, which batch norm then takes out again."


@rule(
    "WF-L07", "note", "a heavy penalty with heavy augmentation",
    source="Hernandez-Garcia & Koenig, Data Augmentation Instead of Explicit Regularization, 2018, arXiv 1806.03852",
    fix="Lower one of them, or let the search decide.",
)  # fmt: skip
def heavy_twice(at: Situation) -> Iterator[str]:
    heavy = [p for p in at.parts("L2", "L1", "ElasticNet", "WeightDecay") if _is_heavy(p)]
    for part in heavy:
        others = [p.name for p in at.parts(*_AUGMENTING) if _is_heavy(p)]
        if others:
            yield f"{part.name} and {others[0]} both stand near the strong end of their range."


@rule(
    "WF-L08", "warning", "synthetic rows where probabilities matter",
    source="van den Goorbergh et al., The Harm of Class Imbalance Corrections, JAMIA 29(9), 2022, arXiv 2202.09101",
    fix="Leave the classes as they are and move the decision threshold instead.",
)  # fmt: skip
def resampled_probabilities(at: Situation) -> Iterator[str]:
    if at.calibrated:
        for part in at.parts("SMOTE", "BorderlineSMOTE", "ADASYN", "SMOTENC", "OverSample", "UnderSample"):
            yield f"{part.name} changes how frequent the classes are, and every predicted probability with it."


@rule(
    "WF-L09", "note", "regularization that nobody asked for",
    source="the defaults of torch.optim.AdamW and scikit-learn",
    fix="Set it to 0 (or C to infinity) where you mean none.",
)  # fmt: skip
def unasked(at: Situation) -> Iterator[str]:
    if at.optimizer_name in DECOUPLED and at.decay_of_optimizer() == 0.01:
        yield f"{at.optimizer_name} decays weights by 0.01 unless told otherwise; weight_decay=0 switches it off."
    defaults = {"MLPClassifier": ("alpha", 1e-4), "MLPRegressor": ("alpha", 1e-4), "LogisticRegression": ("C", 1.0)}
    if at.optimizer_name in defaults:
        name, value = defaults[at.optimizer_name]
        if getattr(at.optimizer, name, value) == value:
            off = "C=inf" if name == "C" else f"{name}=0"
            yield f"{at.optimizer_name} penalizes with {name}={value:g} unless told otherwise; {off} switches it off."


def _is_heavy(part: object) -> bool:
    """Whether a knob stands in the stronger quarter of its search range."""
    leaf = leaf_of(part)  # type: ignore[arg-type]
    for name, facts in leaf.knobs().items():
        if facts.neutral is None:
            continue
        value = float(getattr(leaf, name))
        if facts.log and value > 0:
            return value >= facts.low * (facts.high / facts.low) ** 0.75
        return value >= facts.low + 0.75 * (facts.high - facts.low)
    return False
