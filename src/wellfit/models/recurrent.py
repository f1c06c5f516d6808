"""An LSTM for classes of sequences, written out step by step so that recipes reach its recurrent weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.sites import Marker


class RegularizedLSTM(nn.Module):
    """Layers of an LSTM and a linear layer on the last hidden value; what regularizes it is a recipe.

    Its weights are plain matrices that are read once for a sequence: DropConnect on ``layers.*.recurrent.weight`` takes
    the same connections away at every time, which a fused LSTM kernel does not let one do.

    Sites: ``input``; and ``layers.<i>.hidden``, all of a layer's hidden values, (batch, time, width): one mask for all
    times by LockedDropout, small and slow values by ActivityPenalty and TemporalActivityPenalty.

    Forget gates begin open (bias 1) and recurrent weights orthogonal: with sigmoids and small weights instead, what a
    loss says about the first of a hundred times would fade on the way back to it.

    Args:
        inputs: numbers at each time.
        classes: outputs.
        width: hidden values of a layer.
        depth: layers.

    Shapes:
        (batch, time, inputs) in, of any length from 1; (batch, classes) logits out.

    Raises:
        UsageError: a number is below 1, or a sequence is empty.

    Example:
        >>> from wellfit import ActivityPenalty, DropConnect, LockedDropout, Recipe, where
        >>> recurrent = where(DropConnect(0.5), "layers.*.recurrent.weight")
        >>> recipe = Recipe(LockedDropout(0.3), recurrent, ActivityPenalty(1e-4))
        >>> RegularizedLSTM(4, 2)(torch.zeros(3, 100, 4)).shape
        torch.Size([3, 2])

    Source:
        Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997; what to regularize: Merity,
        Keskar & Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, arXiv 1708.02182; forget bias:
        Jozefowicz, Zaremba & Sutskever, ICML 2015.
    """

    def __init__(self, inputs: int, classes: int, *, width: int = 64, depth: int = 1) -> None:
        super().__init__()
        if min(inputs, classes, width, depth) < 1:
            came = f"inputs={inputs}, classes={classes}, width={width}, depth={depth}"
            raise UsageError(
                f"RegularizedLSTM takes whole numbers from 1, not {came}.", fix="Raise what is below 1.", code="WF-A60"
            )
        self.input = Marker("input")
        self.layers = nn.Sequential(*(Recurrent(width if i else inputs, width) for i in range(depth)))
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.input(x))[:, -1])


class Recurrent(nn.Module):
    """One layer: c <- f * c + i * g and h <- o * tanh(c), with gates i, f, o and values g of what comes in and of h.

    Shapes:
        (batch, time, inputs) in, (batch, time, width) out. Gates stand in torch's order, i, f, g, o.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.input = nn.Linear(inputs, 4 * width)
        self.recurrent = nn.Linear(width, 4 * width, bias=False)
        self.hidden = Marker("hidden")
        with torch.no_grad():
            for gate in self.input.weight.chunk(4):
                nn.init.xavier_uniform_(gate)
            for gate in self.recurrent.weight.chunk(4):
                nn.init.orthogonal_(gate)
            self.input.bias.zero_()
            self.input.bias[width : 2 * width] = 1.0  # the forget gate: open at first

    def forward(self, x: Tensor) -> Tensor:
        if not x.shape[1]:
            raise UsageError("a sequence has no times: an LSTM reads at least one.", fix="Leave it out.", code="WF-A60")
        h = c = x.new_zeros(len(x), self.width)
        seen = []
        for arriving in self.input(x).unbind(1):
            i, f, g, o = (arriving + self.recurrent(h)).chunk(4, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            seen.append(h)
        return self.hidden(torch.stack(seen, dim=1))
