"""The program in plain torch."""

from __future__ import annotations

from wellfit.exporter.facts import ROWS, Facts
from wellfit.exporter.kinds import FORMS
from wellfit.exporter.recipe_code import (
    changes,
    draws_by_numpy,
    expressed,
    needs_ends,
    penalty_terms,
    recipe_constants,
    recipe_pieces,
    soft_strength,
)
from wellfit.exporter.source import Piece, piece

_LOSS = '''
def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor: #! mix
def loss_of(model: nn.Module, x: Tensor, y: Tensor, mix: tuple[float, Tensor]) -> Tensor: #? mix
    """The mean loss of a batch and what the weights cost.""" #? penalty
    """The mean loss of a batch.""" #! penalty
    return functional.LOSS(model(INPUTS), y) + penalty(model) #? penalty
    return functional.LOSS(model(INPUTS), y) #! penalty
'''

_STEP = '''
@torch.no_grad() #? sam
def shift(weights: list[Tensor], directions: list[Tensor], scale: float) -> None: #? sam
    """Move weights along directions.""" #? sam
    for w, d in zip(weights, directions, strict=True): #? sam
        w.add_(d, alpha=scale) #? sam
#? sam
#? sam
def take_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None: #! ends
def take_step( #? ends
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, encoder: Encoder #? ends
) -> None: #? ends
    """One step on a batch."""
    x, y = changed(x, y) #? changed
    x, y = changed(x, y, encoder) #? ends
    x, y, mix = changed(x, y) #? mix
    optimizer.zero_grad()
    loss_of(model, x, y).backward() #! mix
    loss_of(model, x, y, mix).backward() #? mix
    # The gradient that counts is that of the worst point nearby. #? sam
    weights = list(model.parameters()) #? sam
    uphill = [w.grad.clone() for w in weights] #? sam
    scale = SAM_RADIUS / (float(torch.cat([g.flatten() for g in uphill]).norm()) + 1e-12) #? sam
    shift(weights, uphill, scale) #? sam
    optimizer.zero_grad() #? sam
    keep_statistics(model, True) #? still
    loss_of(model, x, y).backward() #? sam_plain
    loss_of(model, x, y, mix).backward() #? sam_mix
    keep_statistics(model, False) #? still
    shift(weights, uphill, -scale) #? sam
    nn.utils.clip_grad_value_(model.parameters(), CLIP_VALUE) #? clip_value
    nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM) #? clip_norm
    optimizer.step()
    soften(model, optimizer) #? soft
    bound(model) #? bound
'''

_STILL = '''
def keep_statistics(model: nn.Module, kept: bool) -> None:
    """Whether batch norm keeps its statistics in what follows: those of a step's first pass count."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 0.0 if kept else MOMENTUM
'''

_SETTLE = '''
@torch.no_grad()
def settle(average: nn.Module, batches: Iterable[Tensor]) -> None:
    """Take the statistics of batch norm anew, over a few batches: none has gone through the averaged weights."""
    average.eval()
    norms = [m for m in average.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    for x in batches:
        average(x)
    average.eval()
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
def judge(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, Tensor]: #! pixels
def judge(model: nn.Module, encoder: Encoder, x: Tensor, y: Tensor) -> tuple[float, Tensor]: #? pixels
    """The loss on validation ROWS, and the outputs there."""
    model.eval()
    outputs = model(x) #? table
    outputs = torch.cat([model(part) for part in x.split(512)]) #? text
    outputs = torch.cat([model(encoder(part)) for part in x.split(512)]) #? pixels
    loss = functional.mse_loss(outputs, y) #? number
    loss = functional.cross_entropy(outputs, y) #! number
    model.train()
    return float(loss), outputs


def train(
    encoder: Encoder, rows: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Train a network; returns its outputs on the validation ROWS where their loss was least."""
    torch.manual_seed(seed)
    np.random.seed(seed) #? numpy
    x, y, valid_x, valid_y = (torch.from_numpy(values) for values in (*rows, *valid))
    model = make_network(encoder, y.shape[1]) #? table
    model = make_network(y.shape[1]) #? image
    model = Network(y.shape[1]) #? text
    optimizer = make_optimizer(model)
    average = average_of(model) #? average
    least, best = float("inf"), torch.zeros_like(valid_y)
    mark, waited = float("inf"), 0 #? stopping
    for step, part in enumerate(batches(len(x)), start=1):
        take_step(model, optimizer, INPUTS[part], y[part]ENDS)
        average.update_parameters(model) #? average
        if step % EVALUATE_EVERY and step < STEPS:
            continue
        settle(average, (INPUTS[p] for p in torch.randperm(len(x)).split(BATCH)[:8] if len(p) > 1)) #? settle
        loss, outputs = judge(AVERAGE, ENCODERvalid_x, valid_y)
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
    told = [expressed(name, facts) for name in facts.parts if name not in FORMS[facts.kind].layers]
    return [t for t in told if t]


def torch_constants(facts: Facts) -> list[str]:
    return [*FORMS[facts.kind].network_constants(facts), *recipe_constants(facts)]


def torch_pieces(facts: Facts) -> list[Piece]:
    """The network, the recipe and the loop; ``train`` is what the end of the program calls."""
    settled = [settle_piece()] if settles(facts) else []
    model = [*FORMS[facts.kind].network_pieces(facts), *recipe_pieces(facts), loss_piece(facts), *step_pieces(facts)]
    return [*model, *settled, _loop_piece(facts)]


def _loop_piece(facts: Facts) -> Piece:
    pixels, average = facts.kind == "image", facts.has("EMA")
    stopping = facts.has("EarlyStopping")
    made = piece(
        _TRAIN, "import numpy as np", "from collections.abc import Iterator", number=facts.regression, average=average,
        stopping=stopping, warm=stopping and bool(facts.parts["EarlyStopping"].warm_up), settle=settles(facts),
        numpy=draws_by_numpy(facts), **{kind: facts.kind == kind for kind in ROWS}, pixels=pixels,
    )  # fmt: skip
    code = made.code.replace("judge(AVERAGE, ENCODER", f"judge({'average' if average else 'model'}, ENCODER")
    code = code.replace("ENCODER", "encoder, " if pixels else "")
    code = code.replace("ENDS", ", encoder" if needs_ends(facts) else "")
    for rows in ("[part]", "[p]"):
        code = code.replace(f"INPUTS{rows}", f"encoder(x{rows})" if pixels else f"x{rows}")
    return Piece(code.replace("ROWS", ROWS[facts.kind]), made.imports)


def normed(facts: Facts) -> bool:
    """Whether the network has batch norm."""
    return facts.kind == "image" or facts.has("BatchNorm")


def settles(facts: Facts) -> bool:
    """Whether statistics are taken anew for an average of weights."""
    return facts.has("EMA") and normed(facts)


def settle_piece() -> Piece:
    return piece(_SETTLE, "from collections.abc import Iterable")


def loss_piece(facts: Facts) -> Piece:
    mix = facts.has("WordMixup")
    made = piece(_LOSS, "from torch.nn import functional", penalty=bool(penalty_terms(facts)), mix=mix)
    code = made.code.replace("LOSS", "mse_loss" if facts.regression else "cross_entropy")
    return Piece(code.replace("INPUTS", "x, mix" if mix else "x"), made.imports)


def step_pieces(facts: Facts) -> list[Piece]:
    """One step, with what the recipe does around it."""
    sam, ends, mix = facts.has("SAM"), needs_ends(facts), facts.has("WordMixup")
    still = sam and normed(facts)
    step = piece(
        _STEP, sam=sam, sam_plain=sam and not mix, sam_mix=sam and mix, still=still, mix=mix,
        changed=changes(facts) and not ends and not mix, ends=ends,
        clip_value=facts.has("ClipValue"), clip_norm=facts.has("ClipNorm"), soft=bool(soft_strength(facts)),
        bound=facts.has("MaxNorm"),
    )  # fmt: skip
    momentum = "NORM_MOMENTUM" if facts.has("BatchNorm") else "0.1"
    return [*([Piece(piece(_STILL).code.replace("MOMENTUM", momentum))] if still else []), step]
