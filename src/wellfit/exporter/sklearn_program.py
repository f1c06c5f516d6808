"""The program in scikit-learn: the nearest estimator, trained a batch at a time, so that most of a recipe can act."""

from __future__ import annotations

import dataclasses

from wellfit.exporter.network import waves_and_embeds
from wellfit.exporter.recipe_code import expressed, recipe_constants
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.table_facts import TableFacts

_WAVES = '''
class Waves:
    """Beside each number x, cos(2 pi (f x + b)); f and b stay as they are drawn."""

    def __init__(self, numbers: list[int], draw: np.random.Generator) -> None:
        self.numbers = numbers
        self.frequency = draw.normal(scale=0.3, size=(len(numbers), WAVES))
        self.phase = draw.random((len(numbers), WAVES))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        turns = x[:, self.numbers, None] * self.frequency + self.phase
        return np.column_stack([x, np.cos(2 * np.pi * turns).reshape(len(x), -1)])
'''

_BATCH = '''
def batches(x: np.ndarray, y: np.ndarray, draw: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batch of each step, always full, in a new order each epoch."""
    if len(x) < BATCH:
        raise SystemExit(f"{len(x)} training rows are fewer than a batch of {BATCH}.")
    step = 0
    while True:
        order = draw.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            if step == STEPS:
                return
            step += 1
            rows = order[start : start + BATCH]
            batch, goal = x[rows], y[rows] #? changed
            batch = batch + INPUT_NOISE * draw.normal(size=batch.shape) #? noise
            share, partner = draw.beta(MIXUP, MIXUP), draw.permutation(BATCH) #? mixup
            batch = share * batch + (1 - share) * batch[partner] #? mixup
            goal = share * goal + (1 - share) * goal[partner] #? mixup
            goal = (1 - LABEL_SMOOTHING) * goal + LABEL_SMOOTHING / y.shape[1] #? smoothing
            yield batch, goal #? changed
            yield x[rows], y[rows] #! changed
'''

_TRAIN = '''
def take_step(network: NETWORK, x: np.ndarray, goal: np.ndarray) -> None:
    """One step: partial_fit on one batch is one step of Adam."""
    for weights in getattr(network, "coefs_", []):  # before the first step there are none #? shrinks
        weights *= 1 - RATE * WEIGHT_DECAY #? decay
        weights *= 1 - WEIGHT_DECAY #? full_decay
    network.partial_fit(x, goal[:, 0]) #? number
    # Soft labels: a row for each class that has a share, weighted by it. #? soft
    rows, labels = np.nonzero(goal) #? soft
    network.batch_size = len(rows) #? soft
    classes = np.arange(goal.shape[1]) #? soft
    network.partial_fit(x[rows], labels, sample_weight=goal[rows, labels], classes=classes) #? soft
    network.partial_fit(x, goal.argmax(1), classes=np.arange(goal.shape[1])) #? hard
    for weights in network.coefs_: #? bound
        norms = np.linalg.norm(weights, axis=0) #? bound
        weights *= np.minimum(1, MAX_NORM / np.maximum(norms, 1e-30)) #? bound


def judge(network: NETWORK, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss on validation rows, and the outputs there."""
    outputs = network.predict(x).reshape(-1, 1) #? number
    return float(np.mean((outputs - y) ** 2)), outputs #? number
    outputs = np.log(np.clip(network.predict_proba(x), 1e-15, None)) #! number
    return float(-(y * outputs).sum(1).mean()), outputs #! number
#? average
#? average
class Average: #? average
    """A running average of the weights, which forgets the first ones quickly; it is what is judged.""" #? average
    #? average
    def __init__(self) -> None: #? average
        self.count, self.weights = 0, [] #? average
    #? average
    def add(self, network: NETWORK) -> None: #? average
        self.count += 1 #? average
        newest = [*network.coefs_, *network.intercepts_] #? average
        decay = min(AVERAGE_DECAY, self.count / (9 + self.count)) #? average
        pairs = zip(self.weights or newest, newest, strict=True) #? average
        self.weights = [decay * old + (1 - decay) * new for old, new in pairs] #? average
    #? average
    def judge(self, network: NETWORK, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]: #? average
        trained, layers = (network.coefs_, network.intercepts_), len(network.coefs_) #? average
        network.coefs_, network.intercepts_ = self.weights[:layers], self.weights[layers:] #? average
        found = judge(network, x, y) #? average
        network.coefs_, network.intercepts_ = trained #? average
        return found #? average


def train(
    encoder: Encoder, rows: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Train a network; returns its outputs on the validation rows where their loss was least."""
    draw = np.random.default_rng(seed)
    waves = Waves(encoder.numbers(), draw) #? waves
    settings = {"batch_size": BATCH, "learning_rate_init": RATE, "alpha": ALPHA, "random_state": seed}
    network = NETWORK(hidden_layer_sizes=WIDTHS, **settings)
    average = Average() #? average
    least, best = float("inf"), np.zeros_like(valid[1])
    mark, waited = float("inf"), 0 #? stopping
    valid_x = waves(valid[0]) #? waves
    valid_x = valid[0] #! waves
    for step, (x, goal) in enumerate(batches(*rows, draw), start=1):
        take_step(network, waves(x), goal) #? waves
        take_step(network, x, goal) #! waves
        average.add(network) #? average
        if step % EVALUATE_EVERY and step < STEPS:
            continue
        loss, outputs = average.judge(network, valid_x, valid[1]) #? average
        loss, outputs = judge(network, valid_x, valid[1]) #! average
        if loss < least:
            least, best = loss, outputs
        if step * BATCH < WARM_UP * len(rows[0]): #? warm
            continue #? warm
        waited = 0 if loss < mark - MIN_DELTA else waited + 1 #? stopping
        mark = min(mark, loss) if waited == 0 else mark #? stopping
        if waited >= PATIENCE: #? stopping
            break #? stopping
    return best.astype(np.float64)
'''

_HAS = ("L2", "WeightDecay", "InputNoise", "Mixup", "LabelSmoothing", "EMA", "MaxNorm", "EarlyStopping")


def sklearn_missing(facts: TableFacts) -> list[str]:
    """What the estimator has no place for."""
    found = [f"{n}: {_why(n)}" for n in facts.parts if not _expressed(facts, n)]
    waves, embeds = waves_and_embeds(facts)
    if waves:
        found.append("Trainable frequencies of the waves: they stay as they are drawn.")
    if embeds:
        found.append("Embeddings: a wide category goes in as columns of 0 and 1.")
    return found


def _expressed(facts: TableFacts, name: str) -> bool:
    if name == "WeightDecay":
        return True
    return name in _HAS and not expressed(name, facts)


def _why(name: str) -> str:
    if name in ("L1", "ElasticNet"):
        return "the estimator has an L2 penalty only."
    return "the estimator has no place for it."


def sklearn_constants(facts: TableFacts) -> list[str]:
    """Settings, and the strengths of what has a place."""
    shape = facts.shape
    held = dataclasses.replace(facts, parts={n: p for n, p in facts.parts.items() if _expressed(facts, n)})
    lines = [constant("WIDTHS", list(shape.widths or [shape.width] * shape.depth), "units of the hidden layers")]
    lines += [constant("WAVES", shape.waves, "cosines of each number")] if shape.waves else []
    lines += [li for li in recipe_constants(held) if not li.startswith("L2 =")]
    if _coupled(facts):
        lines = [li for li in lines if not li.startswith("WEIGHT_DECAY =")]
    # scikit-learn charges alpha / 2 * sum(w ** 2) / rows, and halves the squared error too.
    alpha = (1 if facts.regression else 2) * _strength(facts) * facts.settings["batch"]
    return [*lines, constant("ALPHA", alpha, "of an L2 penalty, times BATCH: scikit-learn divides by the rows")]


def _strength(facts: TableFacts) -> float:
    """Of sum(w ** 2) in the loss."""
    own = float(facts.parts["L2"].strength) if facts.has("L2") else 0.0
    return own + (0.5 * float(facts.parts["WeightDecay"].strength) if _coupled(facts) else 0.0)


def _coupled(facts: TableFacts) -> bool:
    return facts.has("WeightDecay") and facts.parts["WeightDecay"].form == "coupled"


def sklearn_pieces(facts: TableFacts) -> list[Piece]:
    """The estimator and its loop of steps."""
    (waves, _), number = waves_and_embeds(facts), facts.regression
    noise = facts.has("InputNoise") and _expressed(facts, "InputNoise")
    mixup, smoothing = facts.has("Mixup"), facts.has("LabelSmoothing")
    form = facts.parts["WeightDecay"].form if facts.has("WeightDecay") else ""
    batch = piece(
        _BATCH, "from collections.abc import Iterator", changed=noise or mixup or smoothing, noise=noise, mixup=mixup,
        smoothing=smoothing,
    )  # fmt: skip
    estimator = "MLPRegressor" if number else "MLPClassifier"
    soft = not number and (mixup or smoothing)
    loop = piece(
        _TRAIN, f"from sklearn.neural_network import {estimator}", waves=waves, number=number, soft=soft,
        hard=not number and not soft, shrinks=form in ("decoupled", "fully_decoupled"), decay=form == "decoupled",
        full_decay=form == "fully_decoupled", bound=facts.has("MaxNorm") and _expressed(facts, "MaxNorm"),
        average=facts.has("EMA"), stopping=facts.has("EarlyStopping"),
        warm=facts.has("EarlyStopping") and bool(facts.parts["EarlyStopping"].warm_up),
    )  # fmt: skip
    return [*([piece(_WAVES)] if waves else []), batch, Piece(loop.code.replace("NETWORK", estimator), loop.imports)]
