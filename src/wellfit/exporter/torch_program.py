"""The program in plain torch."""

from __future__ import annotations

from wellfit.exporter.facts import Facts
from wellfit.exporter.network import NETWORK_PARTS, network_constants, network_pieces
from wellfit.exporter.recipe_code import (
    expressed,
    penalty_terms,
    recipe_constants,
    recipe_pieces,
    soft_strength,
)
from wellfit.exporter.source import Piece, piece

_LOSS = '''
def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The mean loss of a batch and what the weights cost.""" #? penalty
    """The mean loss of a batch.""" #! penalty
    loss = functional.mse_loss(model(x), y) #? number_penalty
    loss = functional.cross_entropy(model(x), y) #? classes_penalty
    return loss + penalty(model) #? penalty
    return functional.mse_loss(model(x), y) #? number_free
    return functional.cross_entropy(model(x), y) #? classes_free
'''

_STEP = '''
@torch.no_grad() #? sam
def shift(weights: list[Tensor], directions: list[Tensor], scale: float) -> None: #? sam
    """Move weights along directions.""" #? sam
    for w, d in zip(weights, directions, strict=True): #? sam
        w.add_(d, alpha=scale) #? sam
#? sam
#? sam
def take_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One step on a batch."""
    x, y = changed(x, y) #? changed
    optimizer.zero_grad()
    loss_of(model, x, y).backward()
    # The gradient that counts is that of the worst point nearby. #? sam
    weights = list(model.parameters()) #? sam
    uphill = [w.grad.clone() for w in weights] #? sam
    scale = SAM_RADIUS / (float(torch.cat([g.flatten() for g in uphill]).norm()) + 1e-12) #? sam
    shift(weights, uphill, scale) #? sam
    optimizer.zero_grad() #? sam
    loss_of(model, x, y).backward() #? sam
    shift(weights, uphill, -scale) #? sam
    nn.utils.clip_grad_value_(model.parameters(), CLIP_VALUE) #? clip_value
    nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM) #? clip_norm
    optimizer.step()
    soften(model, optimizer) #? soft
    bound(model) #? bound
'''

_TRAIN = '''
def batches(rows: int) -> Iterator[Tensor]:
    """Row numbers of each step: full batches, in a new order each epoch."""
    if rows < BATCH:
        raise SystemExit(f"{rows} training rows are fewer than a batch of {BATCH}.")
    step = 0
    while True:
        for part in torch.randperm(rows).split(BATCH):
            if step == STEPS:
                return
            if len(part) == BATCH:
                step += 1
                yield part


@torch.no_grad()
def judge(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    """The loss on validation rows, and the outputs there."""
    model.eval()
    outputs = model(x)
    loss = functional.mse_loss(outputs, y) #? number
    loss = functional.cross_entropy(outputs, y) #! number
    model.train()
    return float(loss), outputs


def train(
    encoder: Encoder, rows: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Train a network; returns its outputs on the validation rows where their loss was least."""
    torch.manual_seed(seed)
    np.random.seed(seed) #? mixup
    x, y, valid_x, valid_y = (torch.from_numpy(values) for values in (*rows, *valid))
    model = make_network(encoder, y.shape[1])
    optimizer = make_optimizer(model)
    average = average_of(model) #? average
    least, best = float("inf"), torch.zeros_like(valid_y)
    mark, waited = float("inf"), 0 #? stopping
    for step, part in enumerate(batches(len(x)), start=1):
        take_step(model, optimizer, x[part], y[part])
        average.update_parameters(model) #? average
        if step % EVALUATE_EVERY and step < STEPS:
            continue
        # No batch has gone through the average: its statistics are taken anew. #? settle
        update_bn((x[p] for p in torch.randperm(len(x)).split(BATCH)[:8] if len(p) > 1), average) #? settle
        loss, outputs = judge(average, valid_x, valid_y) #? average
        loss, outputs = judge(model, valid_x, valid_y) #! average
        if loss < least:
            least, best = loss, outputs
        if step * BATCH < WARM_UP * len(x): #? warm
            continue #? warm
        waited = 0 if loss < mark - MIN_DELTA else waited + 1 #? stopping
        mark = min(mark, loss) if waited == 0 else mark #? stopping
        if waited >= PATIENCE: #? stopping
            break #? stopping
    return best.numpy().astype(np.float64)
'''


def torch_missing(facts: Facts) -> list[str]:
    """What of the recipe this program leaves out."""
    told = {n: expressed(n, p) for n, p in facts.parts.items() if n not in NETWORK_PARTS}
    return [t for t in told.values() if t]


def torch_constants(facts: Facts) -> list[str]:
    return [*network_constants(facts), *recipe_constants(facts)]


def torch_pieces(facts: Facts) -> list[Piece]:
    """The network, the recipe and the loop; ``train`` is what the end of the program calls."""
    settle = facts.has("EMA") and facts.has("BatchNorm")
    imports = ["from collections.abc import Iterator", *(["from torch.optim.swa_utils import update_bn"] * settle)]
    loop = piece(
        _TRAIN, *imports, number=facts.regression, average=facts.has("EMA"), stopping=facts.has("EarlyStopping"),
        warm=facts.has("EarlyStopping") and bool(facts.parts["EarlyStopping"].warm_up), settle=settle,
        mixup=facts.has("Mixup"),
    )  # fmt: skip
    return [*network_pieces(facts), *recipe_pieces(facts), loss_piece(facts), step_piece(facts), loop]


def loss_piece(facts: Facts) -> Piece:
    charged = bool(penalty_terms(facts))
    kind, ends = "number" if facts.regression else "classes", "penalty" if charged else "free"
    told = {f"{k}_{e}": (k, e) == (kind, ends) for k in ("number", "classes") for e in ("penalty", "free")}
    return piece(_LOSS, "from torch.nn import functional", penalty=charged, **told)


def step_piece(facts: Facts) -> Piece:
    """One step, with what the recipe does around it."""
    return piece(
        _STEP, sam=facts.has("SAM"), changed=facts.has("InputNoise", "Mixup", "LabelSmoothing"),
        clip_value=facts.has("ClipValue"), clip_norm=facts.has("ClipNorm"), soft=bool(soft_strength(facts)),
        bound=facts.has("MaxNorm"),
    )  # fmt: skip
