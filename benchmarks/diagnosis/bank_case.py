"""What a case of the bank is: one training that somebody might have set up, with what is known to be wrong with it."""

from __future__ import annotations

import dataclasses

from wellfit.regularizer import Regularizer


@dataclasses.dataclass(frozen=True)
class Net:
    """A network, as numbers.

    Attributes:
        kind: ``mlp``, ``cnn`` (two convolutions), or ``bag`` (a mean of word vectors, then an MLP).
        width: units of each hidden layer; of a CNN the channels of its first convolution.
        depth: hidden layers.
        activation: ``relu``, ``sigmoid`` or ``tanh``.
        start: first weights: ``usual`` (torch's), ``dead`` (biases of -30) or ``large`` (weights times 20).
    """

    kind: str = "mlp"
    width: int = 64
    depth: int = 2
    activation: str = "relu"
    start: str = "usual"


@dataclasses.dataclass(frozen=True)
class Plant:
    """What is wrong, and what mends it.

    Attributes:
        says: in words.
        label: the verdict that is right, one of ``bank_labels.LABELS``.
        codes: the findings that are right as the primary one.
        remedy: what has to gain on the test rows for the plant to count, a name of ``bank_remedies``; "" for health.
        noise: share of labels of training and validation rows replaced by another class.
        copies: share of the validation rows that are copies of training rows.
        damage: what is done to the data, a name of ``bank_data.DAMAGES``.
    """

    says: str
    label: str
    codes: tuple[str, ...]
    remedy: str = ""
    noise: float = 0.0
    copies: float = 0.0
    damage: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the bank.

    Attributes:
        data: the name of the data set, see ``bank_data``.
        rows, valid: training and validation rows; what is left of the data is the test set.
        plant: what is wrong with it.
        seed: of the split, the plant and the first weights.
    """

    data: str
    rows: int
    valid: int
    plant: Plant
    net: Net = Net()
    recipe: tuple[Regularizer, ...] = ()
    rate: float = 1e-3
    batch: int = 32
    epochs: int = 20
    seed: int = 0

    @property
    def name(self) -> str:
        """Unlike that of any other case: plant, data set, network, seed."""
        net = f"{self.net.kind}{self.net.width}x{self.net.depth}"
        return f"{self.plant.says}/{self.data}/{net}/{self.seed}".replace(" ", "-")

    @property
    def ill(self) -> bool:
        return self.plant.label != "healthy"

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.epochs * max(1, self.rows // self.batch)
