"""Sharpness and margins of a trained network: numbers to compare trainings by, not to judge one by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wellfit.target import Target

QUANTILES = (0.1, 0.25, 0.5, 0.75)
RHO = 0.05


def measures(network: nn.Module, x: Tensor, target: Target, labels: Tensor | None) -> dict[str, Any]:
    """``sharpness`` on these rows, and for classes ``margins`` by quantile with the ``spectral_product`` under them."""
    found: dict[str, Any] = {"sharpness": sharpness(network, x, target), "rho": RHO, "rows": len(x)}
    if labels is not None:
        product = spectral_product(network)
        with torch.no_grad():
            each = margins(network.eval()(x).double(), labels) / product
        quantiles = torch.quantile(each, torch.tensor(QUANTILES, dtype=torch.float64))
        found["margins"] = {f"{q:.0%}": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)}
        found["spectral_product"] = product
    return found


def sharpness(network: nn.Module, x: Tensor, target: Target, rho: float = RHO) -> float:
    """How much the loss rises at the worst near weights, to first order; near is measured in units of each weight.

    max L(w + e) - L(w) over ||e / |w| || <= rho, at e = rho |w|^2 g / || |w| g ||: the same for networks that compute
    the same with weights of other sizes.

    Source:
        Kwon, Kim, Park & Choi, ASAM: Adaptive Sharpness-Aware Minimization, ICML 2021; the measure without adaption is
        that of Foret, Kleiner, Mobahi & Neyshabur, SAM, ICLR 2021.
    """
    network = network.eval()
    weights = {n: w.detach() for n, w in network.named_parameters() if w.requires_grad}

    def loss(held: dict[str, Tensor]) -> Tensor:
        return target.loss(torch.func.functional_call(network, held, (x,)))

    slope, here = torch.func.grad_and_value(loss)(weights)
    size = torch.sqrt(sum(((w.abs() * slope[n]) ** 2).sum() for n, w in weights.items()) + 0.0)
    if not size > 0:
        return 0.0
    with torch.no_grad():
        return float(loss({n: w + rho * w.square() * slope[n] / size for n, w in weights.items()}) - here)


def margins(outputs: Tensor, labels: Tensor) -> Tensor:
    """(rows,) how far the output of the right class lies above the largest other one."""
    own = outputs.gather(1, labels[:, None])[:, 0]
    others = outputs.scatter(1, labels[:, None], -torch.inf).max(1).values
    return own - others


def spectral_product(network: nn.Module) -> float:
    """The product of the largest singular values of all weights with two dimensions or more, kernels flattened.

    Source:
        Bartlett, Foster & Telgarsky, Spectrally-Normalized Margin Bounds for Neural Networks, NeurIPS 2017.
    """
    sizes = [torch.linalg.matrix_norm(w.detach().flatten(1).double(), 2) for w in network.parameters() if w.ndim > 1]
    return float(torch.stack(sizes).prod()) if sizes else 1.0
