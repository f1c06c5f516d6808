"""The recipe as torch code: what changes a batch, what a loss is charged, what happens around a step."""

from __future__ import annotations

from wellfit.data.vocabulary import FIRST_WORD, MASK
from wellfit.exporter.facts import Facts
from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.picture_policy import policy_constants
from wellfit.exporter.picture_recipe import (
    PICTURE_KNOBS,
    PICTURE_TOLD,
    change_lines,
    picture_recipe_pieces,
    uses_ends,
    why_no_picture_part,
)
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.text_variants import VARIANT_KNOBS, why_no_variants

_KNOBS = {
    "L1": {"strength": "L1"}, "L2": {"strength": "L2"}, "ElasticNet": {"l1": "ELASTIC_L1", "l2": "ELASTIC_L2"},
    "WeightDecay": {"strength": "WEIGHT_DECAY"}, "ClipNorm": {"limit": "CLIP_NORM"},
    "ClipValue": {"limit": "CLIP_VALUE"}, 
    "LabelSmoothing": {"epsilon": "LABEL_SMOOTHING"}, "EMA": {"decay": "AVERAGE_DECAY"}, "SAM": {"rho": "SAM_RADIUS"},
    "MaxNorm": {"limit": "MAX_NORM"},
    "EarlyStopping": {"patience": "PATIENCE", "min_delta": "MIN_DELTA", "warm_up": "WARM_UP"},
}  # fmt: skip
"""The parts that have code for every kind of data: their knobs, and the constants that hold them."""

_BLENDS = {"InputNoise": {"std": "INPUT_NOISE"}, "Mixup": {"alpha": "MIXUP"}}
"""Those that need inputs that are numbers."""

_TEXT_KNOBS = {"TokenMask": {"p": "TOKEN_MASK"}, "WordMixup": {"alpha": "WORD_MIXUP"}}

_PLAIN = {"InputNoise": ("family", "gaussian"), "MaxNorm": ("by", "unit")}
"""Parts that are written in one of their forms only."""

_BATCH = '''
def changed(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]: #? plain
def changed(x: Tensor, y: Tensor, encoder: Encoder) -> tuple[Tensor, Tensor]: #? ends
def changed(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, tuple[float, Tensor]]: #? mix
    """A batch as it is trained on.""" #! mix
    """A batch as it is trained on, and how much of which other text is blended into each.""" #? mix
    IMAGES #? images
    pasted = boxes((1 - torch.tensor([np.random.beta(CUTMIX, CUTMIX)])).sqrt())[0] #? cutmix
    partner, share = torch.randperm(len(x)), float(pasted.float().mean()) #? cutmix
    x, y = torch.where(pasted, x[partner], x), (1 - share) * y + share * y[partner] #? cutmix
    x = x.masked_fill(boxes(torch.full((len(x),), CUTOUT)), 0) #? cutout
    count = 1 / CUTOUT_SPREAD - 1  # CUTOUT_SPREAD: of the largest variance there is #? spread
    shares = np.random.beta(CUTOUT * count, (1 - CUTOUT) * count, len(x)) #? spread
    x = x.masked_fill(boxes(torch.from_numpy(shares)), 0) #? spread
    x = x + INPUT_NOISE * torch.randn_like(x) #? noise
    share, partner = float(np.random.beta(MIXUP, MIXUP)), torch.randperm(len(x)) #? mixup
    x, y = share * x + (1 - share) * x[partner], share * y + (1 - share) * y[partner] #? mixup
    share, partner = float(np.random.beta(WORD_MIXUP, WORD_MIXUP)), torch.randperm(len(x)) #? mix
    y = share * y + (1 - share) * y[partner] #? mix
    x = x.masked_fill((torch.rand(x.shape) < TOKEN_MASK) & (x >= FIRST), HIDDEN) #? mask
    y = (1 - LABEL_SMOOTHING) * y + LABEL_SMOOTHING / y.shape[1] #? smoothing
    return x, y #! mix
    return x, y, (share, partner) #? mix
'''

_WEIGHTS = '''
def weights_of(model: nn.Module) -> list[Tensor]:
    """The matrices: no biases, no scales of a norm."""
    return [w for w in model.parameters() if w.ndim > 1]
'''

_PENALTY = '''
def penalty(model: nn.Module) -> Tensor:
    """What the weights cost, a term of the loss."""
    square = sum((w * w).sum() for w in weights_of(model)) #? square
    size = sum(w.abs().sum() for w in weights_of(model)) #? size
    return TERMS
'''

_SOFT = '''
@torch.no_grad()
def soften(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Pull each weight toward zero by its own step size, and stop there: exact zeros, which a loss term never gives."""
    for w in weights_of(model):
        state = optimizer.state[w]
        root = (state["exp_avg_sq"] / (1 - 0.999 ** float(state["step"]))).sqrt() + 1e-8
        w.copy_(w.sign() * (w.abs() - RATE * STRENGTH / root).clamp(min=0))
'''

_BOUND = '''
@torch.no_grad()
def bound(model: nn.Module) -> None:
    """Shorten each unit's incoming weights to the norm allowed."""
    for w in weights_of(model):
        units = w.view(len(w), -1)
        units.mul_((MAX_NORM / units.norm(dim=1, keepdim=True).clamp(min=1e-30)).clamp(max=1))
'''

_AVERAGE = '''
def average_of(model: nn.Module) -> AveragedModel:
    """A running average of the weights, which forgets the first ones quickly; it is what is judged and kept."""

    def blend(average: Tensor, w: Tensor, count: Tensor) -> Tensor:
        decay = min(AVERAGE_DECAY, float(count) / (9 + float(count)))
        return decay * average + (1 - decay) * w

    average = AveragedModel(model, avg_fn=blend)
    average.update_parameters(model)  # starts it with a copy
    return average
'''

_OPTIMIZER = '''
def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Adam; the matrices alone decay.""" #? decay
    """Adam.""" #! decay
    rest = [w for w in model.parameters() if w.ndim < 2] #? decay
    groups = [{"params": weights_of(model)}, {"params": rest, "weight_decay": 0.0}] #? decay
    return torch.optim.AdamW(groups, lr=RATE, weight_decay=WEIGHT_DECAY) #? decay
    return torch.optim.Adam(model.parameters(), lr=RATE) #! decay
'''


def knobs_of(facts: Facts) -> dict[str, dict[str, str]]:
    """The parts that have code for this kind of data: their knobs, and the constants that hold them."""
    own = {"image": PICTURE_KNOBS, "text": {**_TEXT_KNOBS, **VARIANT_KNOBS}}.get(facts.kind, {})
    blends = {} if facts.kind == "text" else _BLENDS
    return {**_KNOBS, **blends, **own}


def expressed(name: str, facts: Facts) -> str:
    """Why a part has no code here; empty where it has."""
    part = facts.parts[name]
    if name == "WeightDecay" and part.form == "fully_decoupled":
        return f"{name}: the form that leaves the learning rate out has no place in torch's optimizers."
    if name in _PLAIN and getattr(part, _PLAIN[name][0]) != _PLAIN[name][1]:
        return f"{name}: only its {_PLAIN[name][1]} form can be written here."
    if name == "TokenMask" and (part.mask, part.first) != (MASK, FIRST_WORD):
        return f"{name}: it is written for the numbers of the run's own words only."
    if name not in knobs_of(facts):
        return f"{name}: it is left out."
    return why_no_picture_part(name, part, facts) if isinstance(facts, PictureFacts) else why_no_variants(name, part)


def written(facts: Facts) -> set[str]:
    """The parts of the recipe that have code here."""
    return {name for name in facts.parts if not expressed(name, facts)}


def needs_ends(facts: Facts) -> bool:
    """Whether the changes of a batch ask what black and white are."""
    return isinstance(facts, PictureFacts) and uses_ends(facts, written(facts))


def draws_by_numpy(facts: Facts) -> bool:
    """Whether a share is drawn from a Beta distribution."""
    return facts.has("CutMix", "Mixup", "WordMixup") or (facts.has("Cutout") and facts.parts["Cutout"].spread > 0)


def changes(facts: Facts) -> bool:
    """Whether batches are changed before they are trained on."""
    return bool(written(facts) & {"LabelSmoothing", *_BLENDS, *_TEXT_KNOBS, *PICTURE_KNOBS})


def recipe_constants(facts: Facts) -> list[str]:
    settings = facts.settings
    lines = [
        constant("RATE", settings["rate"], "learning rate"), constant("BATCH", settings["batch"], "rows a step"),
        constant("STEPS", settings["steps"]),
        constant("EVALUATE_EVERY", settings["evaluate_every"], "steps between two looks at the validation rows"),
    ]  # fmt: skip
    has_code = written(facts)
    for name, part in facts.parts.items():
        for knob, held in knobs_of(facts).get(name, {}).items() if name in has_code else ():
            if held not in ("WARM_UP", "CUTOUT_SPREAD") or getattr(part, knob):
                lines.append(constant(held, float(getattr(part, knob)), PICTURE_TOLD.get(held, "")))
    return [*lines, *(policy_constants(facts) if isinstance(facts, PictureFacts) else [])]


def recipe_pieces(facts: Facts) -> list[Piece]:
    """The functions that the training calls, and only those."""
    terms, soft = penalty_terms(facts), soft_strength(facts)
    found = [piece(_OPTIMIZER, decay=decays(facts))]
    if terms or soft or decays(facts) or facts.has("MaxNorm"):
        found.insert(0, piece(_WEIGHTS))
    found += change_pieces(facts)
    if terms:
        made = piece(_PENALTY, square=any("square" in t for t in terms), size=any("size" in t for t in terms))
        found.append(Piece(made.code.replace("TERMS", " + ".join(terms))))
    if soft:
        found.append(Piece(piece(_SOFT).code.replace("STRENGTH", soft)))
    if facts.has("MaxNorm"):
        found.append(piece(_BOUND))
    if facts.has("EMA"):
        found.append(piece(_AVERAGE, "from torch.optim.swa_utils import AveragedModel"))
    return found


def change_pieces(facts: Facts) -> list[Piece]:
    """``changed``, where batches are changed, and the functions that it calls."""
    found = picture_recipe_pieces(facts, written(facts)) if isinstance(facts, PictureFacts) else []
    return [*found, _batch_piece(facts)] if changes(facts) else found


def _batch_piece(facts: Facts) -> Piece:
    """``changed(x, y)``: everything that a batch goes through before the network sees it."""
    names = written(facts)
    lines = change_lines(facts, names) if isinstance(facts, PictureFacts) else []
    spread = "Cutout" in names and facts.parts["Cutout"].spread > 0
    made = piece(
        _BATCH, ends=needs_ends(facts), mix=facts.has("WordMixup"), mask=facts.has("TokenMask"),
        plain=not needs_ends(facts) and not facts.has("WordMixup"), images=bool(lines), spread=spread,
        cutmix="CutMix" in names, cutout="Cutout" in names and not spread, noise="InputNoise" in names,
        mixup="Mixup" in names, smoothing="LabelSmoothing" in names,
    )  # fmt: skip
    draws = ["import numpy as np"] if draws_by_numpy(facts) else []
    return Piece(made.code.replace("    IMAGES", "\n".join(lines)), tuple(draws))


def decays(facts: Facts) -> bool:
    return facts.has("WeightDecay") and facts.parts["WeightDecay"].form == "decoupled"


def penalty_terms(facts: Facts) -> list[str]:
    """Terms of the loss, as code over constants."""
    parts = facts.parts
    terms = ["L2 * square"] if "L2" in parts else []
    if "L1" in parts and parts["L1"].form == "loss":
        terms.append("L1 * size")
    if "ElasticNet" in parts:
        terms += ["ELASTIC_L2 * square", *(["ELASTIC_L1 * size"] if parts["ElasticNet"].form == "loss" else [])]
    if "WeightDecay" in parts and parts["WeightDecay"].form == "coupled":
        terms.append("0.5 * WEIGHT_DECAY * square")
    return terms


def soft_strength(facts: Facts) -> str:
    """The strength of the proximal step, as code over constants; empty where there is none."""
    proximal = [n for n in ("L1", "ElasticNet") if n in facts.parts and facts.parts[n].form == "proximal"]
    written = " + ".join({"L1": "L1", "ElasticNet": "ELASTIC_L1"}[n] for n in proximal)
    return f"({written})" if len(proximal) > 1 else written
