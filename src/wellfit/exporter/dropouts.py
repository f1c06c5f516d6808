"""Dropout of single hidden values: layers that the networks of all kinds of data may have."""

from __future__ import annotations

from wellfit.exporter.facts import Facts
from wellfit.exporter.source import Piece, constant, piece

_GAUSSIAN = '''
class GaussianDropout(nn.Module):
    """Multiplies by noise around one, with the variance of dropout."""

    def forward(self, h: Tensor) -> Tensor:
        if not self.training:
            return h
        return h * (1 + (GAUSSIAN_DROPOUT / (1 - GAUSSIAN_DROPOUT)) ** 0.5 * torch.randn_like(h))
'''

_LAYERS = {
    "Dropout": ("DROPOUT", "nn.Dropout(DROPOUT)"),
    "GaussianDropout": ("GAUSSIAN_DROPOUT", "GaussianDropout()"),
    "AlphaDropout": ("ALPHA_DROPOUT", "nn.AlphaDropout(ALPHA_DROPOUT)"),
}
DROPOUTS = tuple(_LAYERS)
"""The parts of a recipe that are such layers."""


def dropout_layers(facts: Facts) -> list[str]:
    """The layers as code, behind a hidden activation."""
    return [layer for name, (_, layer) in _LAYERS.items() if facts.has(name)]


def dropout_constants(facts: Facts) -> list[str]:
    return [dropout_constant(facts, name, knob) for name, (knob, _) in _LAYERS.items() if facts.has(name)]


def dropout_constant(facts: Facts, name: str, knob: str) -> str:
    return constant(knob, float(facts.parts[name].p), "share of hidden values that go missing")


def dropout_pieces(facts: Facts) -> list[Piece]:
    """The classes of those layers that torch does not have."""
    return [piece(_GAUSSIAN)] if facts.has("GaussianDropout") else []
