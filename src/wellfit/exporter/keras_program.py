"""The program in Keras 3: layers, regularizers and constraints of Keras where it has them, a callback for the rest."""

from __future__ import annotations

import dataclasses

from wellfit.exporter.facts import ROWS, Facts
from wellfit.exporter.keras_samples import batches_pieces, sample_missing, sample_network_pieces
from wellfit.exporter.kinds import FORMS
from wellfit.exporter.network import waves_and_embeds
from wellfit.exporter.recipe_code import decays, expressed, recipe_constants, soft_strength
from wellfit.exporter.source import Piece, piece
from wellfit.exporter.table_facts import TableFacts
from wellfit.exporter.torch_program import normed, settles

KERAS_FIRST = 'environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it when it is imported'

_WAVES = '''
class Waves(keras.layers.Layer):
    """Beside each number x, cos(2 pi (f x + b)) with trainable f and b."""

    def __init__(self, numbers: list[int]) -> None:
        super().__init__()
        self.numbers = numbers

    def build(self, input_shape: tuple[int, ...]) -> None:
        count = len(self.numbers) * WAVES
        self.frequency = self.add_weight(shape=(count,), initializer=keras.initializers.RandomNormal(stddev=0.3))
        self.phase = self.add_weight(shape=(count,), initializer=keras.initializers.RandomUniform(0.0, 1.0))

    def call(self, x: Any) -> Any:
        chosen = ops.expand_dims(ops.take(x, self.numbers, axis=1), -1)
        turns = ops.reshape(chosen * ops.reshape(self.frequency, (-1, WAVES)), (-1, len(self.numbers) * WAVES))
        return ops.cos(2 * np.pi * (turns + self.phase))
'''

_NETWORK = '''
def held(axis: int) -> dict[str, Any]: #? held
    """What holds the weights of a layer, whose units have them along an axis.""" #? held
    return { #? held
        "kernel_regularizer": keras.regularizers.REGULARIZER, #? charged
        "kernel_constraint": keras.constraints.MaxNorm(MAX_NORM, axis=axis), #? bound
    } #? held
#? held
#? held
def make_network(encoder: Encoder, outputs: int) -> keras.Model:
    """Dense layers with ReLU between them."""
    inputs = keras.Input((sum(width for _, width in encoder.layout),))
    found = [inputs] #? only_waves
    groups = encoder.embedded() #? embeds
    inside = {column for start, width in groups for column in range(start, start + width)} #? embeds
    passed = [column for column in range(inputs.shape[1]) if column not in inside] #? embeds
    found = [ops.take(inputs, passed, axis=1)] if passed else [] #? embeds
    for start, width in groups: #? embeds
        size = min(24, round(1.6 * width**0.5)) #? embeds
        first = keras.initializers.RandomNormal(stddev=size**-0.5) #? embeds
        vector = keras.layers.Dense(size, use_bias=False, kernel_initializer=first, **held(1)) #? embeds_held
        vector = keras.layers.Dense(size, use_bias=False, kernel_initializer=first) #? embeds_free
        found.append(vector(inputs[:, start : start + width])) #? embeds
    found.append(Waves(encoder.numbers())(inputs)) #? waves
    h = keras.layers.Concatenate()(found) if len(found) > 1 else found[0] #? features
    h = inputs #! features
    for units in WIDTHS:
        h = keras.layers.Dense(units, BIASkernel_initializer="he_uniform", **held(0))(h) #? held
        h = keras.layers.Dense(units, BIASkernel_initializer="he_uniform")(h) #! held
        h = keras.layers.BatchNormalization(momentum=1 - NORM_MOMENTUM, epsilon=NORM_EPS)(h) #? norm
        h = keras.layers.ReLU()(h)
        h = keras.layers.Dropout(DROPOUT)(h) #? dropout
        h = keras.layers.GaussianDropout(GAUSSIAN_DROPOUT)(h) #? gaussian
        h = keras.layers.AlphaDropout(ALPHA_DROPOUT)(h) #? alpha
    first = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    outs = keras.layers.Dense(outputs, kernel_initializer=first, **held(0))(h) #? held
    outs = keras.layers.Dense(outputs, kernel_initializer=first)(h) #! held
    return keras.Model(inputs, outs) #! sam
    return SharpnessAware(inputs, outs) #? sam
'''

_SAM = '''
class SharpnessAware(keras.Model):
    """A model whose step takes the gradient at the worst point nearby."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        weights = [w.value for w in self.trainable_weights]
        self.zero_grad()
        self.compute_loss(x, y, self(x, training=True)).backward()
        uphill = [w.grad.clone() for w in weights]
        scale = SAM_RADIUS / (float(torch.cat([g.flatten() for g in uphill]).norm()) + 1e-12)
        with torch.no_grad():
            torch._foreach_add_(weights, uphill, alpha=scale)
        self.zero_grad()
        loss = self.compute_loss(x, y, self(x, training=True))
        loss.backward()
        with torch.no_grad():
            torch._foreach_add_(weights, uphill, alpha=-scale)
            self.optimizer.apply([w.grad for w in weights], self.trainable_weights)
        return {"loss": loss}
'''

_BATCHES = '''
def batches(x: np.ndarray, y: np.ndarray, draw: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Full batches without end, in a new order each epoch, as they are trained on."""
    if len(x) < BATCH:
        raise SystemExit(f"{len(x)} training rows are fewer than a batch of {BATCH}.")
    while True:
        order = draw.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            batch, goal = x[rows], y[rows]
            batch = batch + INPUT_NOISE * draw.normal(size=batch.shape).astype(np.float32) #? noise
            share, partner = np.float32(draw.beta(MIXUP, MIXUP)), draw.permutation(BATCH) #? mixup
            batch = share * batch + (1 - share) * batch[partner] #? mixup
            goal = share * goal + (1 - share) * goal[partner] #? mixup
            goal = (1 - LABEL_SMOOTHING) * goal + np.float32(LABEL_SMOOTHING / y.shape[1]) #? smoothing
            yield batch, goal
'''

_TRAIN = '''
class KeepBest(keras.callbacks.Callback):
    """Keeps the outputs on validation rows where their loss was least."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.least, self.best = float("inf"), np.zeros_like(y)
        self.mark, self.waited = float("inf"), 0 #? stopping
        self.average, self.count = [], 0 #? average
    #? average
    def on_train_begin(self, logs: dict[str, float] | None = None) -> None: #? average
        self.average = self.average or self.model.get_weights() #? average
    #? average
    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None: #? average
        """The average of the weights forgets the first ones quickly; it is what is judged.""" #? average
        self.count += 1 #? average
        decay = min(AVERAGE_DECAY, self.count / (9 + self.count)) #? average
        pairs = zip(self.average, self.model.get_weights(), strict=True) #? average
        self.average = [decay * old + (1 - decay) * new for old, new in pairs] #? average

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        trained = self.model.get_weights() #? average
        self.model.set_weights(self.average) #? average
        outputs = ops.convert_to_numpy(self.model(self.x, training=False)).astype(np.float64) #? table
        parts = (self.x[start : start + 512] for start in range(0, len(self.x), 512)) #! table
        outputs = np.concatenate([ops.convert_to_numpy(self.model(x, training=False)) for x in parts]) #! table
        outputs = outputs.astype(np.float64) #! table
        self.model.set_weights(trained) #? average
        loss = float(np.mean((outputs - self.y) ** 2)) #? number
        loss = float(-(self.y * log_softmax(outputs, axis=1)).sum(1).mean()) #! number
        if loss < self.least:
            self.least, self.best = loss, outputs
        self.waited = 0 if loss < self.mark - MIN_DELTA else self.waited + 1 #? stopping
        self.mark = min(self.mark, loss) if self.waited == 0 else self.mark #? stopping
        self.model.stop_training = self.waited >= PATIENCE #? stopping


def train(
    encoder: Encoder, rows: tuple[np.ndarray, np.ndarray], valid: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Train a network; returns its outputs on the validation ROWS where their loss was least."""
    keras.utils.set_random_seed(seed)
    torch.manual_seed(seed)  # whatever Keras runs on #! table
    model = make_network(encoder, rows[1].shape[1]) #? table
    model = make_network(rows[1].shape[1]) #! table
    optimizer = keras.optimizers.OPTIMIZER
    optimizer.exclude_from_weight_decay(var_list=[w for w in model.trainable_variables if len(w.shape) < 2]) #? decay
    model.compile(optimizer, "mean_squared_error") #? number
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True)) #! number
    keep = KeepBest(*valid) #! image
    keep = KeepBest(channels_last(encoder(torch.from_numpy(valid[0]))), valid[1]) #? image
    steps = batches(*rows, np.random.default_rng(seed)) #? table
    steps = batches(encoder, *rows) #? image
    steps = batches(*rows) #? text
    looks, rest = divmod(STEPS, EVALUATE_EVERY)
    if looks:
        model.fit(steps, epochs=looks, steps_per_epoch=EVALUATE_EVERY, callbacks=[keep], shuffle=False, verbose=0)
    if rest and not model.stop_training:  # the last look comes sooner than the others
        model.fit(steps, steps_per_epoch=rest, callbacks=[keep], shuffle=False, verbose=0)
    return keep.best
'''


def keras_missing(facts: Facts) -> list[str]:
    """What of the recipe this program leaves out, or does in another way."""
    told = [expressed(name, facts) for name in facts.parts if name not in FORMS[facts.kind].layers]
    found = [*(t for t in told if t), *sample_missing(facts)]
    if soft_strength(facts):
        found.append("L1 as a proximal step: Keras has it as a term of the loss, which makes small weights, not zeros.")
    if settles(facts):
        found.append("Statistics of the averaged network: they are averaged too, where the run takes them anew.")
    if facts.has("SAM") and normed(facts):
        found.append("Batch norm under SAM: its statistics are updated in both passes, in the run in the first alone.")
    if facts.has("ClipNorm") and facts.has("ClipValue"):
        found.append("ClipValue: a Keras optimizer clips in one way only, and ClipNorm is in the recipe.")
    if facts.has("EarlyStopping") and facts.parts["EarlyStopping"].warm_up:
        found.append("EarlyStopping's warm-up: stopping is looked at from the start.")
    return found


def _without_word_mixup(facts: Facts) -> Facts:
    return dataclasses.replace(facts, parts={n: p for n, p in facts.parts.items() if n != "WordMixup"})


def keras_constants(facts: Facts) -> list[str]:
    facts = _without_word_mixup(facts)
    lines = [*FORMS[facts.kind].network_constants(facts), *recipe_constants(facts)]
    clipped = facts.has("ClipNorm") and facts.has("ClipValue")
    return [li for li in lines if not li.startswith("WARM_UP =") and not (clipped and li.startswith("CLIP_VALUE ="))]


def keras_pieces(facts: Facts) -> list[Piece]:
    """The network, the batches, the callback and ``train``."""
    facts = _without_word_mixup(facts)
    sam = [piece(_SAM, "import torch", "from typing import Any")] if facts.has("SAM") else []
    if isinstance(facts, TableFacts):
        network, batches = _table_network_pieces(facts), [_table_batches_piece(facts)]
    else:
        model = "SharpnessAware" if sam else "keras.Model"
        network = sample_network_pieces(facts, _regularizer(facts), facts.has("MaxNorm"), model)
        batches = batches_pieces(facts)
    loop = piece(
        _TRAIN, "import numpy as np", average=facts.has("EMA"), stopping=facts.has("EarlyStopping"),
        number=facts.regression, decay=decays(facts), **{kind: facts.kind == kind for kind in FORMS},
    )  # fmt: skip
    pieces = [*sam, *network, *batches, Piece(loop.code.replace("OPTIMIZER", _optimizer(facts)), loop.imports)]
    return [Piece(p.code.replace("ROWS", ROWS[facts.kind]), p.imports) for p in pieces]


def _table_batches_piece(facts: TableFacts) -> Piece:
    return piece(
        _BATCHES, "from collections.abc import Iterator", noise=facts.has("InputNoise"), mixup=facts.has("Mixup"),
        smoothing=facts.has("LabelSmoothing"),
    )  # fmt: skip


def _table_network_pieces(facts: TableFacts) -> list[Piece]:
    waves, _ = waves_and_embeds(facts)
    anything = ["from typing import Any"] if waves or _held(facts) else []
    imports = ["from os import environ", "import keras", "from keras import ops", *anything]
    network = piece(_NETWORK, *imports, **_network_lines(facts))
    code = network.code.replace("REGULARIZER", _regularizer(facts))
    code = code.replace("BIAS", "use_bias=False, " if facts.has("BatchNorm") else "")
    return [*([piece(_WAVES)] if waves else []), Piece(code, network.imports)]


def _network_lines(facts: TableFacts) -> dict[str, bool]:
    (waves, embeds), held = waves_and_embeds(facts), _held(facts)
    return {
        "held": held, "charged": bool(_regularizer(facts)), "bound": facts.has("MaxNorm"), "waves": waves,
        "embeds": embeds, "only_waves": waves and not embeds, "embeds_held": embeds and held,
        "embeds_free": embeds and not held, "features": waves or embeds, "norm": facts.has("BatchNorm"),
        "dropout": facts.has("Dropout"), "gaussian": facts.has("GaussianDropout"), "alpha": facts.has("AlphaDropout"),
        "sam": facts.has("SAM"),
    }  # fmt: skip


def _held(facts: Facts) -> bool:
    return bool(_regularizer(facts)) or facts.has("MaxNorm")


def _regularizer(facts: Facts) -> str:
    """The penalty of Keras as code over constants; empty where there is none."""
    parts = facts.parts
    ones = [c for n, c in (("L1", "L1"), ("ElasticNet", "ELASTIC_L1")) if n in parts]
    twos = [c for n, c in (("L2", "L2"), ("ElasticNet", "ELASTIC_L2")) if n in parts]
    if "WeightDecay" in parts and parts["WeightDecay"].form == "coupled":
        twos.append("0.5 * WEIGHT_DECAY")
    if ones and twos:
        return f"L1L2({' + '.join(ones)}, {' + '.join(twos)})"
    return f"L1({' + '.join(ones)})" if ones else f"L2({' + '.join(twos)})" if twos else ""


def _optimizer(facts: Facts) -> str:
    settings = ["RATE", "epsilon=1e-8"]
    settings += ["weight_decay=WEIGHT_DECAY"] if decays(facts) else []
    if facts.has("ClipNorm"):
        settings.append("global_clipnorm=CLIP_NORM")
    elif facts.has("ClipValue"):
        settings.append("clipvalue=CLIP_VALUE")
    return f"{'AdamW' if decays(facts) else 'Adam'}({', '.join(settings)})"
