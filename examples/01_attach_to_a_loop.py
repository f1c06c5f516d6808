"""A recipe in a training loop of one's own: one `with`, and one line each for the batch, the loss and the epoch.

The network knows nothing of wellfit. Its activations are functions, which the recipe finds by tracing the network; each
line that the recipe adds to the loop is marked.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import relu

from wellfit import EMA, ConfidencePenalty, Dropout, EarlyStopping, InputNoise, Recipe, WeightDecay

RECIPE = Recipe(Dropout(0.5), InputNoise(0.2), WeightDecay(0.5), ConfidencePenalty(0.1), EMA(0.98), EarlyStopping(15))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(64, 128), nn.Linear(128, 128), nn.Linear(128, 10)

    def forward(self, x):
        return self.head(relu(self.second(relu(self.first(x)))))


def digits():
    """150 digits to train on, of which every fifth has a wrong label; 300 to stop by, 600 to judge by."""
    x, y = (torch.as_tensor(a) for a in load_digits(return_X_y=True))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order].float() / 16.0, y[order].long()
    y[:150:5] = (y[:150:5] + 1) % 10
    return (x[:150], y[:150]), (x[150:450], y[150:450]), (x[450:1050], y[450:1050])


def train(recipe, epochs=120):
    torch.manual_seed(0)
    (x, y), (valid_x, valid_y), (test_x, test_y) = digits()
    model, criterion = Net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with recipe.attach(model, optimizer) as run:  # <- the recipe
        print(f"acts at {', '.join(run.reached) or 'no hidden values'}")
        for _ in range(epochs):
            model.train()
            for rows in torch.randperm(len(x)).split(30):
                xb, yb = run.batch(x[rows], y[rows])  # <- noise on inputs
                optimizer.zero_grad()
                loss = run.loss(criterion, model(xb), yb)  # <- what a recipe adds to the loss
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                valid = criterion(model(valid_x), valid_y)
            if run.epoch_end(val_loss=valid):  # <- when to stop
                break
    with torch.no_grad():  # the model holds the weights of its best epoch
        right = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"stopped after epoch {run.epoch}, best was {run.best_epoch}: validation loss {run.best_loss:.3f}")
    return right


def main():
    for name, recipe in (("without", Recipe()), ("with", RECIPE)):
        print(f"{name:8} accuracy on clean held out digits {train(recipe):.3f}\n")


if __name__ == "__main__":
    main()
