"""A transformer that reads texts of different lengths: padding counts for nothing, and a recipe regularizes it.

The texts are made here: customers speak of a thing, and the class is whether they liked it. What decides is one word,
and whether a "not" stands right before it. One training text in eight has the wrong class, which a plain network learns
by heart.
"""

import torch

from wellfit import EMA, Dropout, Recipe, RegularizedTransformer, TokenDropout, WeightDecay
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.step import Batch

LISTS = (
    "the a this lamp table phone chair very book was it i and we found really today screen",
    "great good lovely fine perfect",
    "bad awful poor broken useless",
)
THINGS, GOOD, BAD = (words.split() for words in LISTS)
WORDS = ["<nothing>", "not", *THINGS, *GOOD, *BAD]
RECIPE = Recipe(Dropout(0.1), TokenDropout(0.1), WeightDecay(0.1), EMA(0.98))


def text(generator):
    """A text of 4 to 12 words, and whether it is in favor."""

    def pick(words):
        return words[int(torch.randint(len(words), (), generator=generator))]

    favor, turned = torch.rand(2, generator=generator) < 0.5
    judgment = (["not"] if turned else []) + [pick(GOOD if favor != turned else BAD)]
    words = [pick(THINGS) for _ in range(int(torch.randint(3, 11, (), generator=generator)))]
    place = int(torch.randint(len(words) + 1, (), generator=generator))
    return words[:place] + judgment + words[place:], bool(favor)


def encode(texts, length=12):
    """(texts, length) token numbers, filled up with 0."""
    rows = [[WORDS.index(word) for word in words] for words in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def batch(count, seed, wrong=0):
    """Texts and their classes, ``wrong`` of them turned round."""
    generator = torch.Generator().manual_seed(seed)
    texts, labels = zip(*[text(generator) for _ in range(count)], strict=True)
    values = torch.nn.functional.one_hot(torch.tensor(labels).long(), 2).float()
    values[:wrong] = values[:wrong].flip(1)
    return Batch(encode(texts), Target(values, torch.ones(count), classes=True))


def main():
    torch.manual_seed(0)
    network = RegularizedTransformer(len(WORDS), 2, width=32, heads=4, depth=2)
    train, valid = batch(400, 0, wrong=50), batch(600, 1)
    for name, recipe in (("plain", Recipe()), ("recipe", RECIPE)):
        trained = train_epochs(network, recipe, train, valid, epochs=20, batch=50, rate=3e-3)
        with torch.no_grad():
            right = (trained.network(valid.x).argmax(1) == valid.target.values.argmax(1)).float().mean()
        best, last = trained.losses[trained.best - 1][1], trained.losses[-1][1]
        print(f"{name:8} held out: loss {best:.3f} at best, {last:.3f} at last, accuracy {right:.3f}")
    words = "i found the lamp not bad"
    one = encode([words.split()], 6)
    many = torch.cat([one, torch.zeros(1, 50, dtype=torch.int64)], 1)
    with torch.no_grad():
        short, padded = (trained.network(tokens).softmax(1)[0, 1].item() for tokens in (one, many))
    print(f'"{words}": in favor {short:.6f}, and with 50 tokens of padding {padded:.6f}')


if __name__ == "__main__":
    main()
