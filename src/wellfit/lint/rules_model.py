"""Rules about regularizers and the network they are put into."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from wellfit.lint.findings import rule
from wellfit.lint.situation import BATCH_NORMS, DROPOUTS, LINEAR, NORMS, Situation, confined
from wellfit.recipe import leaf_of

_DROPPING = ("Dropout", "SpatialDropout", "GaussianDropout", "AlphaDropout", "VariationalDropout", "RowDropout")
_DECAYING = ("WeightDecay", "L2", "ElasticNet", "L1")
_SMALL = 4
"""Hidden places up to which a network counts as small."""


@rule(
    "WF-L40", "warning", "dropout before batch norm",
    source="Li et al., Disharmony between Dropout and Batch Normalization, CVPR 2019, arXiv 1801.05134",
    fix="Move dropout behind the last batch norm: where(Dropout(...), pattern of the last site).",
)  # fmt: skip
def dropout_before_norm(at: Situation) -> Iterator[str]:
    modules = at.modules()
    for place, (name, module) in enumerate(modules):
        if isinstance(module, DROPOUTS) and module.p > 0 and _norm_follows(modules[place + 1 :]):
            yield f"{type(module).__name__} {name} stands before a batch norm, whose variance it changes."
    for part in at.parts(*_DROPPING):
        sites = list(at.sites_of(part))
        added = at.has("BatchNorm", "GhostBatchNorm")
        if at.model is None:
            if added and not confined(part):
                yield f"{part.name} acts at every hidden layer, so before the batch norm of the next one."
            continue
        if any(_reads_norm(at, s.name, added) for s in sites):
            yield f"{part.name} acts before a batch norm, which sees another variance in evaluation."


@rule(
    "WF-L41", "note", "decay of weights that a norm rescales",
    source="van Laarhoven, L2 Regularization versus Batch and Weight Normalization, 2017, arXiv 1706.05350",
    fix="Read it as an effective learning rate; leave scales and biases out, as is the default.",
)  # fmt: skip
def decayed_norms(at: Situation) -> Iterator[str]:
    for part in at.parts(*_DECAYING):
        hit = [n for n, w in at.weights_of(part).items() if w.ndim <= 1]
        if hit:
            yield f"{part.name} acts on biases or scales ({', '.join(hit[:3])})."
        elif at.has("BatchNorm", "LayerNorm", "GroupNorm", "WeightStandardization") or any(
            isinstance(m, NORMS) for _, m in at.modules()
        ):
            yield f"{part.name} shrinks weights whose size the norm behind them takes out again."


@rule(
    "WF-L42", "warning", "weight noise above the weights' own spread",
    source="Graves, Practical Variational Inference for Neural Networks, NeurIPS 24, 2011",
    fix="Start at a tenth of the weights' own standard deviation.",
)  # fmt: skip
def loud_noise(at: Situation) -> Iterator[str]:
    for part in at.parts("WeightNoise"):
        std = at.knob(part, "std")
        for name, weight in at.weights_of(part).items():
            own = float(weight.double().std(unbiased=False)) if weight.numel() > 1 else 0.0
            if own and std > own:
                yield f"{part.name} adds noise of std {std:.3g} to {name}, whose own std is {own:.3g}."
                break


@rule(
    "WF-L43", "error", "dropout behind the last layer",
    source="Srivastava et al., Dropout, JMLR 15, 2014",
    fix="Take it away: outputs are what the loss reads.",
)  # fmt: skip
def dropout_at_output(at: Situation) -> Iterator[str]:
    last = at.last_module()
    # elsewhere modules may be registered in another order than they run in
    in_order = [(n, m) for n, m in at.modules() if n == last or isinstance(at.model, nn.Sequential)]
    layers = [(n, m) for n, m in in_order if isinstance(m, (*LINEAR, *DROPOUTS))]
    if layers and isinstance(layers[-1][1], DROPOUTS) and layers[-1][1].p > 0:
        yield f"{type(layers[-1][1]).__name__} {layers[-1][0]} stands behind the last layer."
    sites = {s.name for p in at.parts(*_DROPPING) for s in at.sites_of(p)}
    if last and last in sites:
        yield f"dropout would act at {last}, the last module of the network."


@rule(
    "WF-L44", "warning", "much dropout at the inputs, or in many places of a small network",
    source="Srivastava et al., Dropout, JMLR 15, 2014 (inputs are kept with probability .8)",
    fix="0.1 to 0.2 is usual for inputs; one or two hidden places are enough in a small network.",
)  # fmt: skip
def much_dropout(at: Situation) -> Iterator[str]:
    for part in at.parts("Dropout", "SpatialDropout"):
        narrowed = confined(part)
        if narrowed and narrowed.matches("input") and at.knob(part, "p") > 0.5:
            yield f"{part.name} drops {at.knob(part, 'p'):.0%} of the inputs: p is the share dropped, not kept."
    inside = [n for n, m in at.modules() if isinstance(m, DROPOUTS) and m.p > 0]
    places = inside + [s.name for p in at.parts(*_DROPPING) for s in at.sites_of(p)]
    hidden = [n for n, m in at.modules() if isinstance(m, nn.Linear)]
    if len(places) > 2 and len(hidden) <= _SMALL:
        yield f"{len(places)} places of a network of {len(hidden)} layers drop values."


@rule(
    "WF-L45", "warning", "frozen weights that are moved all the same",
    source="core order of wellfit: a projection comes after the optimizer and does not know its rates",
    fix="Confine it with where(..., pattern) to weights that train.",
)  # fmt: skip
def frozen_but_moved(at: Situation) -> Iterator[str]:
    frozen = _frozen(at)
    for part in at.recipe:
        moving = {"project", "shrink"} & part.stages and type(leaf_of(part)).__name__ in _MOVING
        if moving and not part.is_neutral():
            both = sorted(frozen & set(at.weights_of(part)))
            if both or (at.model is None and at.has("Freeze") and not confined(part)):
                names = f": {', '.join(both[:3])}" if both else ""
                yield f"{part.name} projects frozen weights{names}."


_MOVING = ("MaxNorm", "UnitNorm", "NonNegative", "MinMaxNorm", "Ball")


@rule(
    "WF-L46", "note", "frozen layers whose batch statistics still move",
    source="the trackers of several frameworks; torch.nn.BatchNorm2d updates its statistics in training mode, 2016",
    fix="Add FreezeStatistics.",
)  # fmt: skip
def moving_statistics(at: Situation) -> Iterator[str]:
    norms = any(isinstance(m, BATCH_NORMS) for _, m in at.modules()) or at.has("BatchNorm", "GhostBatchNorm")
    for part in at.parts("Freeze") if norms and not at.has("FreezeStatistics") else ():
        yield f"{part.name} holds weights; the running statistics of batch norm go on changing."


def _frozen(at: Situation) -> set[str]:
    """Weights that Freeze holds by a rate of 0. What wants no gradient is nobody's to move: training leaves it out."""
    if at.model is None:
        return set()
    still = {n for n, p in at.model.named_parameters() if not p.requires_grad}
    return {n for part in at.parts("Freeze") for n in at.weights_of(part)} - still


def _norm_follows(later: list[tuple[str, nn.Module]]) -> bool:
    """Whether a batch norm comes before the next activation or the end."""
    for _, module in later:
        if isinstance(module, BATCH_NORMS):
            return True
        if not isinstance(module, (*LINEAR, nn.Identity, nn.Flatten)):
            return False
    return False


def _reads_norm(at: Situation, site: str, added: bool) -> bool:
    """Whether what leaves a site goes through a linear layer into a batch norm that is there or will be added."""
    modules = at.modules()
    names = [n for n, _ in modules]
    later = modules[names.index(site) + 1 :] if site in names else []
    if _norm_follows(later):
        return True
    kinds = [type(m) for _, m in later if not isinstance(m, nn.Identity)]
    return added and len(kinds) > 1 and issubclass(kinds[0], LINEAR)
