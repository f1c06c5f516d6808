"""Fine-tuning: parts of a trained network that stand still, or move more slowly than others."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterable
from typing import Any

from torch import nn

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import static
from wellfit.regularizer import EXTRA, Params, Regularizer, knob


class Freeze(Regularizer):
    """Keep weights as they are: their learning rate is share * rate, and at share 0 they do not move.

    Meant for ``where``: ``where(Freeze(), "encoder.*")`` freezes the encoder, and
    ``schedule(where(Freeze(), "encoder.*"), fade(3))`` thaws it over three epochs. Decay and proximal steps, which go
    by the rate, stand still too; a max-norm does not. Biases and norms are frozen with the rest; running statistics of
    batch norm are no weights: FreezeStatistics holds those.

    Args:
        share: of the learning rate that is left, 0 to 1; 1 is neutral, 0 is frozen.

    Example:
        >>> import torch
        >>> Freeze().rate({"w": torch.tensor(0.1)}, None)["w"].item()
        0.0

    Source:
        Yosinski, Clune, Bengio & Lipson, How Transferable Are Features in Deep Neural Networks?, NeurIPS 2014, arXiv
        1411.1792.
    """

    formula = "rate <- share * rate"
    source = "Yosinski, Clune, Bengio & Lipson, How Transferable Are Features in Deep Networks?, NeurIPS 2014"
    use_when = "few rows and a network trained on many of the same kind"
    avoid_when = "the new data differ from what the network was trained on"
    grade = "A"
    touches = "all"
    share: float = knob(0.0, low=0.0, high=0.5, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        return {n: (rate * self.share).to(rate.dtype) for n, rate in rates.items()}


class LayerwiseRates(Regularizer):
    """Let early layers learn more slowly than late ones: rate <- rate * decay ** (layers above).

    What a layer is follows from the names of the parameters: a name's layer is what stands before and with the first
    number in it that has something behind it (``encoder.layer.3.attention.weight``: ``encoder.layer.3``), or else its
    first word (``embed.tables.0``: ``embed``; ``head.weight``: ``head``). Layers are counted in the order in which the
    network registers them, which for the usual modules is the order in which they run; the last one has the full rate.
    Under ``where`` only the selected layers are counted. What regularizers have added keeps the full rate.

    Args:
        decay: factor of each layer downward, 0 to 1; 1 is neutral, 0.65 to 0.9 is usual.

    Example:
        >>> import torch
        >>> rates = dict.fromkeys(("blocks.0.weight", "blocks.1.weight", "head.weight"), torch.tensor(1.0))
        >>> [round(r.item(), 2) for r in LayerwiseRates(0.5).rate(rates, None).values()]
        [0.25, 0.5, 1.0]

    Source:
        Clark, Luong, Le & Manning, ELECTRA, ICLR 2020, arXiv 2003.10555; Bao, Dong, Piao & Wei, BEiT, ICLR 2022, arXiv
        2106.08254; first in Howard & Ruder, ULMFiT, ACL 2018, arXiv 1801.06146.
    """

    formula = "rate <- rate * decay ** (layers above)"
    source = "Clark, Luong, Le & Manning, ELECTRA, ICLR 2020, arXiv 2003.10555; Howard & Ruder, ULMFiT, ACL 2018"
    use_when = "fine-tuning a deep pretrained network as a whole"
    avoid_when = "the network starts from random weights"
    grade = "A-"
    touches = "all"
    decay: float = knob(0.8, low=0.5, high=0.95, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        above = layers_above(rates)
        return {n: (rate * self.decay ** above.get(n, 0)).to(rate.dtype) for n, rate in rates.items()}


def layers_above(names: Iterable[str]) -> dict[str, int]:
    """How many layers stand above the one of each parameter; names that regularizers have added are left out."""
    own = [n for n in names if not n.startswith(EXTRA)]
    depth = {layer: i for i, layer in enumerate(dict.fromkeys(layer_of(n) for n in own))}
    return {n: len(depth) - 1 - depth[layer_of(n)] for n in own}


def layer_of(name: str) -> str:
    """The layer that a parameter belongs to, read from its name."""
    words = name.split(".")
    numbered = next((i for i, word in enumerate(words[:-1]) if word.isdecimal()), 0)
    return ".".join(words[: numbered + 1])


class FreezeStatistics(Regularizer):
    """Keep the running statistics of normalization as they are, and compute with them in training too.

    Norms that match use their stored mean and variance in training as in evaluation, and never update them, though
    training mode is set at every step. Their scale and shift train on; freeze those with ``where(Freeze(), ...)``.

    Args:
        pattern: of the norms' names (``fnmatch``; alternatives separated by ``|``); ``*`` is every norm that keeps
            statistics.

    Raises:
        RecipeError: the pattern is no text.

    Example:
        >>> model = FreezeStatistics().rewrite(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))).train()
        >>> import torch
        >>> _ = model(torch.randn(8, 2))
        >>> model[1].running_mean.tolist()
        [0.0, 0.0, 0.0]

    Source:
        He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385, appendix A:
        norms stay fixed while the network is fine-tuned for detection.
    """

    formula = "h <- scale * (h - running mean) / sqrt(running var + eps) + shift, in training too"
    source = (
        "He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385, appendix A"
    )
    use_when = "fine-tuning with small batches, or with the layers before the norm frozen"
    avoid_when = "the network starts from random weights: its statistics are nobody's"
    grade = "A"
    exempt = "it changes how norms compute; there is no strength at which they compute both ways"
    rank = 60
    pattern: str = static("*")

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str) or not self.pattern:
            hint = 'FreezeStatistics("encoder.*") is one.'
            raise RecipeError(
                f"FreezeStatistics.pattern is {self.pattern!r}; a pattern of names is allowed.", fix=hint, code="WF-R04"
            )

    def rewrite(self, model: nn.Module) -> nn.Module:
        model = copy.deepcopy(model)
        for name, module in model.named_modules():
            matches = any(fnmatch.fnmatchcase(name, p) for p in self.pattern.split("|"))
            if matches and getattr(module, "running_mean", None) is not None:
                module.register_forward_pre_hook(_rest)
        return model


def _rest(module: nn.Module, inputs: Any) -> None:
    """Right before it computes, put a norm into evaluation mode, whatever mode the network was put into."""
    module.eval()
