"""Regularization that is on although nobody asked for it, what it is in wellfit's words, and how to switch it off.

Each tool here is asked for nothing and shrinks its weights all the same. Strengths are per row of the mean loss of 100
rows, so that they can be compared.
"""

import torch
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from wellfit import translate

WAYS_OUT = {  # tool: (its defaults, the parameter, the value at which it does nothing)
    "sklearn.LogisticRegression": (LogisticRegression().get_params(), "C", float("inf")),
    "sklearn.LinearSVC": (LinearSVC().get_params(), "C", float("inf")),
    "sklearn.Ridge": (Ridge().get_params(), "alpha", 0.0),
    "sklearn.Lasso": (Lasso().get_params(), "alpha", 0.0),
    "sklearn.SGDClassifier": (SGDClassifier().get_params(), "alpha", 0.0),
    "sklearn.MLPClassifier": (MLPClassifier().get_params(), "alpha", 0.0),
}


def main():
    for tool, (defaults, parameter, off) in WAYS_OUT.items():
        found = translate(tool, "wellfit.Recipe", n=100)
        none = translate(tool, "wellfit.Recipe", {parameter: off}, n=100)
        (part,) = found.recipe
        said = f"{parameter}={defaults[parameter]} unasked is {part.name} {part.strength:.2g}"
        print(f"{tool:27} {said:35} {parameter}={off} leaves {len(none.recipe.active())} parts")
    weight = torch.nn.Parameter(torch.ones(1))
    for optimizer in (torch.optim.Adam([weight]), torch.optim.AdamW([weight]), torch.optim.SGD([weight], lr=0.1)):
        decay = optimizer.defaults["weight_decay"]
        print(f"torch.optim.{type(optimizer).__name__:15} weight_decay={decay}{'' if decay else ', none unasked'}")


if __name__ == "__main__":
    main()
