"""Search over a model of one's own: hand over class and rows, get back the trained model, its recipe and a verdict.

The network is an ordinary module. The search trains many of it side by side, with and without regularizers, compares
the best on rows that nothing was chosen on, and returns an ordinary trained module.
"""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from torch import nn

import wellfit


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10))

    def forward(self, x):
        return self.layers(x)


def digits():
    """200 digits to train on, 300 to choose by, 900 that nothing is chosen on."""
    x, y = (torch.as_tensor(a) for a in load_digits(return_X_y=True))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order].float() / 16.0, y[order]
    return (x[:200], y[:200]), (x[200:500], y[200:500]), (x[500:1400], y[500:1400])


def main():
    train, val, test = digits()
    folder = Path(tempfile.mkdtemp()) / "run"
    found = wellfit.search(Net, train, val, test=test, budget="15s", out=folder)
    print(found.record["plan"]["way"])
    for row in found.comparison:
        low, high = row["interval"]
        print(f"{row['label']:32} log loss {row['score']:.3f} [{low:.3f}, {high:.3f}]  {row['detail']}")
    print(found.verdict)
    print(found.recipe)

    with torch.no_grad():  # an ordinary module, in evaluation mode
        loss = nn.functional.cross_entropy(found.model(test[0]), test[1]).item()
    print(f"{type(found.model).__name__} on the test rows by hand: {loss:.3f}")

    again = Net()  # or from the folder, without wellfit
    again.load_state_dict(load_file(folder / "model.safetensors"))
    assert torch.equal(again.eval()(test[0]), found.model(test[0]))


if __name__ == "__main__":
    main()
