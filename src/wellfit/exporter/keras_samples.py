"""The networks for images and texts in Keras 3, and their batches, which are changed by the functions in torch."""

from __future__ import annotations

from wellfit.exporter.facts import Facts
from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.recipe_code import change_pieces, changes, needs_ends
from wellfit.exporter.source import Piece, piece
from wellfit.exporter.text_facts import TextFacts

_BATCHES = '''
def batches(encoder: Encoder, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]: #? image
def batches(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]: #! image
    """Full batches without end, in a new order each epoch, as they are trained on."""
    if len(x) < BATCH:
        raise SystemExit(f"{len(x)} training ROWS are fewer than a batch of {BATCH}.")
    while True:
        for rows in torch.randperm(len(x)).split(BATCH):
            if len(rows) == BATCH:
                batch, goal = encoder(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]) #? image
                batch, goal = torch.from_numpy(x[rows]), torch.from_numpy(y[rows]) #! image
                batch, goal = changed(batch, goal) #? changed
                batch, goal = changed(batch, goal, encoder) #? ends
                yield channels_last(batch), goal.numpy() #? image
                yield batch.numpy(), goal.numpy() #! image
'''

_CHANNELS = '''
def channels_last(x: Tensor) -> np.ndarray:
    """Images as Keras takes them."""
    return x.permute(0, 2, 3, 1).numpy()
'''

_HELD = '''
def held(axis: int | list[int], what: str = "kernel") -> dict[str, Any]:
    """What holds the weights of a layer, whose units have them along axes."""
    return {
        f"{what}_regularizer": keras.regularizers.REGULARIZER, #? charged
        f"{what}_constraint": keras.constraints.MaxNorm(MAX_NORM, axis=axis), #? bound
    }
'''

_EVEN = '''
# uniform, as wide as one over the root of what a unit reads: what torch begins with
FIRST_WEIGHTS = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
'''

_PICTURES = '''
def normed(h: Any, layer: keras.layers.Layer) -> Any:
    """A layer, batch norm, and ReLU.""" #! drop
    """A layer, batch norm, ReLU, and dropout.""" #? drop
    h = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(layer(h)))
    DROPS #? drop
    return h


def convolution(channels: int, first: Any) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        channels, 3, padding="same", use_bias=False, kernel_initializer=first, **held([0, 1, 2]) #? held
        channels, 3, padding="same", use_bias=False, kernel_initializer=first #! held
    )
#? blocks
#? blocks
def branch(h: Any) -> Any: #? blocks
    """Two times ReLU, convolution and batch norm.""" #? blocks
    for _ in range(2): #? blocks
        h = convolution(SECOND, FIRST_WEIGHTS)(keras.layers.ReLU()(h)) #? blocks
        h = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(h) #? blocks
    return h #? blocks


def make_network(outputs: int) -> keras.Model:
    """Two convolutions and a dense layer.""" #! blocks
    """Two convolutions, residual blocks of two branches, and a dense layer.""" #? blocks
    inputs = keras.Input((HEIGHT, WIDTH, CHANNELS))
    h = normed(inputs, convolution(FIRST, "he_uniform"))
    h = keras.layers.MaxPooling2D(padding="same")(h)
    h = normed(h, convolution(SECOND, "he_uniform"))
    for _ in range(BLOCKS): #? blocks
        h = h + (branch(h) + branch(h)) / 2 #? blocks
    h = keras.layers.MaxPooling2D(padding="same")(h)
    h = keras.layers.Flatten()(keras.layers.AdaptiveAveragePooling2D(GRID)(h))
    h = normed(h, keras.layers.Dense(HIDDEN, use_bias=False, kernel_initializer="he_uniform"HELD))
    outs = keras.layers.Dense(outputs, kernel_initializer=FIRST_WEIGHTSHELD)(h)
    return MODEL(inputs, outs)
'''

_TEXTS = '''
def make_network(outputs: int) -> keras.Model:
    """The mean of a text's words, a hidden layer, and outputs; the order of words counts for nothing.""" #? bag
    """Filters over windows of words, the largest answer of each in a text, and outputs.""" #! bag
    tokens = keras.Input((LENGTH,), dtype="int32")
    real = ops.expand_dims(ops.cast(tokens > UNKNOWN, "float32"), -1)
    first = keras.initializers.RandomNormal(stddev=WIDTH**-0.5)
    vectors = keras.layers.Embedding( #? held
        FIRST + WORDS, WIDTH, embeddings_initializer=first, **held(1, "embeddings") #? held
    ) #? held
    vectors = keras.layers.Embedding(FIRST + WORDS, WIDTH, embeddings_initializer=first) #! held
    words = vectors(tokens) * real
    words = keras.layers.Dropout(TOKEN_DROPOUT, noise_shape=(None, LENGTH, 1))(words)  # whole words #? words
    # divided by the root, so that it has size 1 however many words there are #? bag
    h = ops.sum(words, 1) / ops.sqrt(ops.maximum(ops.sum(real, 1), 1.0)) #? bag
    # zeros on both sides, so that a text has the same answer however much padding it comes with #! bag
    words = ops.pad(words, [[0, 0], [max(WINDOWS), max(WINDOWS)], [0, 0]]) #! bag
    answers = [] #! bag
    for window in WINDOWS: #! bag
        filters = keras.layers.Conv1D(FILTERS, window, kernel_initializer=FIRST_WEIGHTSWINDOWED) #! bag
        answers.append(ops.max(ops.relu(filters(words)), axis=1)) #! bag
    h = keras.layers.Concatenate()(answers) #! bag
    DROPS #? drop
    h = keras.layers.Dense(WIDTH, activation="relu", kernel_initializer=FIRST_WEIGHTSHELD)(h) #? bag
    outs = keras.layers.Dense(outputs, kernel_initializer=FIRST_WEIGHTSHELD)(h)
    return MODEL(tokens, outs)
'''

_NGRAMS = '''
class Bias(keras.layers.Layer):
    """Adds a number to each output."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, values: Any) -> Any:
        return values + self.bias


def make_network(outputs: int) -> keras.Model:
    """What each word, pair and piece of a text says for each output, added up; both sets weigh the same."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    real = ops.expand_dims(ops.cast(tokens > UNKNOWN, "float32"), -1)
    vectors = keras.layers.Embedding( #? held
        FIRST + WORDS + PIECES, outputs, embeddings_initializer="zeros", **held(1, "embeddings") #? held
    ) #? held
    vectors = keras.layers.Embedding(FIRST + WORDS + PIECES, outputs, embeddings_initializer="zeros") #! held
    h = vectors(tokens) * real
    h = keras.layers.Dropout(TOKEN_DROPOUT, noise_shape=(None, LENGTH, 1))(h)  # whole words #? words
    DROPS #? drop
    h = h * real #? drop
    sums = [
        ops.sum(h[:, part], 1) / ops.sqrt(ops.maximum(ops.sum(real[:, part], 1), 1.0))
        for part in (slice(None, WORD_PLACES), slice(WORD_PLACES, None))
    ]
    return MODEL(tokens, Bias()(sums[0] + sums[1]))
'''

_DROPS = {
    "Dropout": "keras.layers.Dropout(DROPOUT)",
    "GaussianDropout": "keras.layers.GaussianDropout(GAUSSIAN_DROPOUT)",
    "AlphaDropout": "keras.layers.AlphaDropout(ALPHA_DROPOUT)",
    "SpatialDropout": "(keras.layers.SpatialDropout2D if len(h.shape) == 4 else keras.layers.Dropout)(SPATIAL_DROPOUT)",
}


def sample_missing(facts: Facts) -> list[str]:
    """What of a recipe for images or texts is left out in Keras, and not in torch."""
    return ["WordMixup: a Keras model reads one text at a time; it is left out."] if facts.has("WordMixup") else []


def batches_pieces(facts: Facts) -> list[Piece]:
    """``batches``, and what changes them."""
    image, ends = facts.kind == "image", needs_ends(facts)
    imports = ["import torch", "from collections.abc import Iterator"]
    imports += ["from torch import Tensor"] if image or changes(facts) else []
    made = piece(
        _BATCHES, *imports, image=image, ends=ends,changed=changes(facts) and not ends,
    )  # fmt: skip
    return [*change_pieces(facts), *([piece(_CHANNELS)] if image else []), made]


def sample_network_pieces(facts: Facts, regularizer: str, bound: bool, model: str) -> list[Piece]:
    """``make_network(outputs)``; ``regularizer``: the penalty of Keras, ``model``: the class of the whole."""
    held, images = bool(regularizer) or bound, isinstance(facts, PictureFacts)
    summed = isinstance(facts, TextFacts) and facts.form.model == "ngrams"
    anything = ("from typing import Any",) if held or images or summed else ()
    imports = ("from os import environ", *anything, "import keras", "from keras import ops")
    found = []
    if held:
        made = piece(_HELD, charged=bool(regularizer), bound=bound)
        found.append(Piece(made.code.replace("REGULARIZER", regularizer)))
    drops = "\n".join(f"    h = {layer}(h)" for name, layer in _DROPS.items() if facts.has(name))
    if isinstance(facts, PictureFacts):
        network = piece(_PICTURES, held=held, drop=bool(drops), blocks=facts.form.blocks > 0)
    else:
        assert isinstance(facts, TextFacts)
        network = _text_network(facts, held, bool(drops))
    code = network.code.replace("    DROPS", drops).replace("MODEL", model)
    for place, axes in (("HELD", "0"), ("WINDOWED", "[0, 1]")):
        code = code.replace(place, f", **held({axes})" if held else "")
    even = [piece(_EVEN)] if "FIRST_WEIGHTS" in code else []
    return [*found, *even, Piece(code, imports)]


def _text_network(facts: TextFacts, held: bool, drop: bool) -> Piece:
    words = facts.has("TokenDropout")
    if facts.form.model == "ngrams":
        return piece(_NGRAMS, held=held, drop=drop, words=words)
    return piece(_TEXTS, held=held, bag=facts.form.model == "bag", drop=drop, words=words)
