"""The networks for texts as torch code: bags of n-grams and embeddings, filters over windows, a transformer."""

from __future__ import annotations

from wellfit.exporter.dropouts import DROPOUTS, dropout_constant, dropout_constants, dropout_layers, dropout_pieces
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.text_facts import TextFacts

_BLEND = '''
def blended(words: Tensor, real: Tensor, share: float, partner: Tensor) -> tuple[Tensor, Tensor]:
    """The vectors of each text blended with another's, place by place; there is a word where either has one."""
    return share * words + (1 - share) * words[partner], torch.maximum(real, real[partner]) if share < 1 else real
'''

_BAG = '''
class Network(nn.Module):
    """The mean of a text's words, a hidden layer, and outputs; the order of words counts for nothing."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FIRST + WORDS, WIDTH)
        nn.init.normal_(self.vectors.weight, std=WIDTH**-0.5)
        self.drop_words = nn.Dropout1d(TOKEN_DROPOUT)  # whole words #? words
        self.head = nn.Sequential(DROPSnn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, outputs))

    FORWARD
        real = (tokens > UNKNOWN).unsqueeze(-1).to(self.vectors.weight.dtype)
        words = self.vectors(tokens) * real
        words = self.drop_words(words) #? words
        words, real = blended(words, real, *mix) if mix else (words, real) #? mix
        words = words * real #? mix
        # divided by the root, so that it has size 1 however many words there are
        return self.head(words.sum(1) / real.sum(1).clamp(min=1).sqrt())
'''

_NGRAMS = '''
class Network(nn.Module):
    """What each word, pair and piece of a text says for each output, added up; both sets weigh the same."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FIRST + WORDS + PIECES, outputs)
        nn.init.zeros_(self.vectors.weight)
        self.drop_words = nn.Dropout1d(TOKEN_DROPOUT)  # whole words #? words
        self.drop = nn.Sequential(DROPS) #? drops
        self.bias = nn.Parameter(torch.zeros(outputs))

    FORWARD
        real = (tokens > UNKNOWN).unsqueeze(-1).to(self.vectors.weight.dtype)
        words = self.vectors(tokens) * real
        words = self.drop_words(words) #? words
        words, real = blended(words, real, *mix) if mix else (words, real) #? mix
        terms = self.drop(words) * real #? drops
        terms = words * real #! drops
        of_words, of_pieces = (
            terms[:, part].sum(1) / real[:, part].sum(1).clamp(min=1).sqrt()
            for part in (slice(None, WORD_PLACES), slice(WORD_PLACES, None))
        )
        return self.bias + of_words + of_pieces
'''

_CNN = '''
class Network(nn.Module):
    """Filters over windows of words, the largest answer of each in a text, and outputs."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FIRST + WORDS, WIDTH)
        nn.init.normal_(self.vectors.weight, std=WIDTH**-0.5)
        self.drop_words = nn.Dropout1d(TOKEN_DROPOUT)  # whole words #? words
        self.filters = nn.ModuleList(nn.Conv1d(WIDTH, FILTERS, window) for window in WINDOWS)
        self.head = nn.Sequential(DROPSnn.Linear(FILTERS * len(WINDOWS), outputs)) #? drops
        self.head = nn.Linear(FILTERS * len(WINDOWS), outputs) #! drops

    FORWARD
        real = (tokens > UNKNOWN).unsqueeze(-1).to(self.vectors.weight.dtype)
        words = self.vectors(tokens) * real
        words = self.drop_words(words) #? words
        words, real = blended(words, real, *mix) if mix else (words, real) #? mix
        # zeros on both sides, so that a text has the same answer however much padding it comes with
        h = functional.pad((words * real).transpose(1, 2), (max(WINDOWS), max(WINDOWS)))
        return self.head(torch.cat([filters(h).relu().amax(-1) for filters in self.filters], dim=1))
'''

_TRANSFORMER = '''
class Block(nn.Module):
    """Attention among the words of a text and a feed-forward layer, each added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.drop = nn.Sequential(DROPS) #? drops
        self.feed = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), DROPSnn.Linear(4 * WIDTH, WIDTH)
        )

    def attended(self, h: Tensor, real: Tensor) -> Tensor:
        query, key, value = (
            layer(h).unflatten(-1, (HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        # a finite number: a text without words would be 0 / 0
        scores = scores.masked_fill(~real[:, None, None], torch.finfo(scores.dtype).min)
        return self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))

    def forward(self, h: Tensor, real: Tensor) -> Tensor:
        h = h + self.drop(self.attended(self.norm(h), real)) #? drops
        h = h + self.attended(self.norm(h), real) #! drops
        return h + self.feed(h)


def places(real: Tensor, words: Tensor) -> Tensor:
    """Sines and cosines of each word's place among the words of its text, as many as its vector has numbers."""
    place = (real.cumsum(1) - 1).clamp(min=0).unsqueeze(-1).to(words.dtype)
    turns = 10_000 ** -(torch.arange(WIDTH // 2, dtype=words.dtype) / (WIDTH // 2))
    return torch.cat([(place * turns).sin(), (place * turns).cos()], dim=-1)


class Network(nn.Module):
    """Words and their places, blocks of attention, and the mean over words."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FIRST + WORDS, WIDTH)
        self.drop_words = nn.Dropout1d(TOKEN_DROPOUT)  # whole words #? words
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, outputs)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.vectors.weight, std=WIDTH**-0.5)

    FORWARD
        real = tokens != PADDING
        words = self.vectors(tokens) * real.unsqueeze(-1) * WIDTH**0.5
        words = self.drop_words(words) #? words
        words, real = blended(words, real, *mix) if mix else (words, real) #? mix
        h = words + places(real, words)
        for block in self.blocks:
            h = block(h, real)
        counts = real.unsqueeze(-1).to(h.dtype)
        return self.head((self.norm(h) * counts).sum(1) / counts.sum(1).clamp(min=1))
'''

_NETWORKS = {"ngrams": _NGRAMS, "bag": _BAG, "cnn": _CNN, "transformer": _TRANSFORMER}
_FORWARD = "def forward(self, tokens: Tensor) -> Tensor:"
_FORWARD_MIXED = "def forward(self, tokens: Tensor, mix: tuple[float, Tensor] | None = None) -> Tensor:"
TEXT_NETWORK_PARTS = (*DROPOUTS, "TokenDropout")
"""The parts of a recipe that are layers."""


def text_network_constants(facts: TextFacts) -> list[str]:
    lines = [constant("WIDTH", facts.form.width, "of a word's vector")] if facts.form.model != "ngrams" else []
    if facts.form.model == "cnn":
        lines += [constant("FILTERS", 32, "of each window"), constant("WINDOWS", [3, 4, 5], "words that a filter sees")]
    if facts.form.model == "transformer":
        lines += [constant("HEADS", 4, "of the attention; they share the width"), constant("BLOCKS", 2)]
    if facts.has("TokenDropout"):
        lines.append(dropout_constant(facts, "TokenDropout", "TOKEN_DROPOUT"))
    return [*lines, *dropout_constants(facts)]


def text_network_pieces(facts: TextFacts) -> list[Piece]:
    """The modules, of which ``Network(outputs)`` is the whole."""
    drops, mix = dropout_layers(facts), facts.has("WordMixup")
    imports = ("import torch", "from torch import Tensor, nn", "from torch.nn import functional")
    made = piece(_NETWORKS[facts.form.model], *imports, mix=mix, drops=bool(drops), words=facts.has("TokenDropout"))
    code = made.code.replace("FORWARD", _FORWARD_MIXED if mix else _FORWARD)
    code = code.replace("nn.Sequential(DROPS)", drops[0] if len(drops) == 1 else f"nn.Sequential({', '.join(drops)})")
    code = code.replace("DROPS", "".join(f"{drop}, " for drop in drops))
    return [*dropout_pieces(facts), *([piece(_BLEND)] if mix else []), Piece(code, made.imports)]
