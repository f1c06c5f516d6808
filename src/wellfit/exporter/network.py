"""The network as torch code, for the targets that are torch: only the layers that the run's network has."""

from __future__ import annotations

from wellfit.exporter.dropouts import DROPOUTS, dropout_constants, dropout_layers, dropout_pieces
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.table_facts import TableFacts

_FEATURES = '''
class Features(nn.Module):
    """What the first layer reads: the columns, embeddings of wide categories, waves of the numbers.""" #? both
    """What the first layer reads: the columns, and beside each number waves of trainable frequency.""" #? only_waves
    """What the first layer reads: the columns, and an embedding of each wide category.""" #? only_embeds

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        inputs = sum(width for _, width in encoder.layout)
        self.numbers = encoder.numbers() #? waves
        self.groups = encoder.embedded() #? embeds
        inside = {column for start, width in self.groups for column in range(start, start + width)} #? embeds
        self.passed = [column for column in range(inputs) if column not in inside] #? embeds
        sizes = [min(24, round(1.6 * width**0.5)) for _, width in self.groups] #? embeds
        self.tables = nn.ParameterList( #? embeds
            torch.randn(width, size) * size**-0.5 for (_, width), size in zip(self.groups, sizes, strict=True) #? embeds
        ) #? embeds
        # Vectors, so that no penalty holds them: they say where to look, not how much it weighs. #? waves
        self.frequency = nn.Parameter(torch.randn(len(self.numbers) * WAVES) * 0.3) #? waves
        self.phase = nn.Parameter(torch.rand(len(self.numbers) * WAVES)) #? waves
        self.width = inputs + len(self.numbers) * WAVES #? only_waves
        self.width = len(self.passed) + sum(sizes) #? only_embeds
        self.width = len(self.passed) + sum(sizes) + len(self.numbers) * WAVES #? both

    def forward(self, x: Tensor) -> Tensor:
        turns = (x[:, self.numbers, None] * self.frequency.view(-1, WAVES)).flatten(1) + self.phase #? waves
        return torch.cat([x, torch.cos(2 * torch.pi * turns)], dim=1) #? only_waves
        pairs = zip(self.groups, self.tables, strict=True) #? embeds
        vectors = [x[:, start : start + width] @ table for (start, width), table in pairs] #? embeds
        return torch.cat([x[:, self.passed], *vectors], dim=1) #? only_embeds
        return torch.cat([x[:, self.passed], *vectors, torch.cos(2 * torch.pi * turns)], dim=1) #? both
'''

_NETWORK = '''
def make_network(encoder: Encoder, outputs: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = [Features(encoder)] #? features
    layers: list[nn.Module] = [] #! features
    width = layers[0].width #? features
    width = sum(width for _, width in encoder.layout) #! features
    for units in WIDTHS:
        linear = nn.Linear(width, units) #! norm
        linear = nn.Linear(width, units, bias=False)  # batch norm shifts #? norm
        nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias) #! norm
        layers += [LAYERS]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, outputs))
'''

NETWORK_PARTS = ("BatchNorm", *DROPOUTS)
"""The parts of a recipe that are layers."""


def waves_and_embeds(facts: TableFacts) -> tuple[bool, bool]:
    return facts.shape.waves > 0, bool(facts.shape.embeddings)


def network_constants(facts: TableFacts) -> list[str]:
    waves, embeds = waves_and_embeds(facts)
    shape, parts = facts.shape, facts.parts
    lines = [constant("WIDTHS", list(shape.widths or [shape.width] * shape.depth), "units of the hidden layers")]
    lines += [constant("WAVES", shape.waves, "cosines of each number")] if waves else []
    lines += [constant("EMBED_FROM", 9, "categories: fewer go in as they are")] if embeds else []
    lines += dropout_constants(facts)
    if "BatchNorm" in parts:
        norm = parts["BatchNorm"]
        lines += [constant("NORM_MOMENTUM", norm.momentum), constant("NORM_EPS", norm.eps)]
    return lines


def network_pieces(facts: TableFacts) -> list[Piece]:
    """The module classes, and ``make_network(encoder, outputs)``."""
    waves, embeds = waves_and_embeds(facts)
    layers = ["linear"]
    if facts.has("BatchNorm"):
        layers.append("nn.BatchNorm1d(units, eps=NORM_EPS, momentum=NORM_MOMENTUM)")
    layers += ["nn.ReLU()", *dropout_layers(facts)]
    found = dropout_pieces(facts)
    if waves or embeds:
        found.append(piece(
            _FEATURES, waves=waves, embeds=embeds, both=waves and embeds, only_waves=waves and not embeds,
            only_embeds=embeds and not waves,
        ))  # fmt: skip
    made = piece(_NETWORK, "import torch", "from torch import Tensor, nn", features=waves or embeds,
                 norm=facts.has("BatchNorm"))  # fmt: skip
    return [*found, Piece(made.code.replace("[LAYERS]", f"[{', '.join(layers)}]"), made.imports)]
