"""A network of two layers in plain NumPy, without a penalty, with L2 and with L1: forward, backward and steps by hand.

Penalties act on weights, not on biases. The cross-entropy is a mean over rows, not over rows times classes, so that a
strength of 0.01 means 0.01; lambda / 2 * w ** 2, as some write L2, is our strength lambda / 2.
"""

import numpy as np
from sklearn.datasets import load_digits

from wellfit import reference

PLANS = {
    "no penalty": reference.Plan(rate=0.3, epochs=80),
    "L2 0.01 / 2": reference.Plan(rate=0.3, epochs=80, l2=0.01 / 2),
    "L1 0.004": reference.Plan(rate=0.3, epochs=80, l1=0.004),
}


def rows():
    """Digits of 8 by 8 pixels, 200 to train on and the rest to judge by; every fifth training label is wrong."""
    draw = np.random.default_rng(0)
    x, labels = load_digits(return_X_y=True)
    order = draw.permutation(len(x))
    x, labels = x[order] / 16.0, np.eye(10)[labels[order]]
    labels[:200:5] = np.roll(labels[:200:5], 1, axis=1)
    return (x[:200], labels[:200]), (x[200:], labels[200:])


def right(weights, x, labels):
    return float((reference.predict(weights, x).argmax(1) == labels.argmax(1)).mean())


def main():
    train, valid = rows()
    print(f"{'':14}{'training':>9}{'held out':>9}{'sum of w**2':>13}{'weights at 0':>14}{'pixels unused':>15}")
    for name, plan in PLANS.items():
        draw = np.random.default_rng(1)
        # the last weights and not the best ones, to see what the penalty alone does
        weights = reference.start_weights(64, 64, 10, draw)
        for _ in range(plan.epochs * len(train[0]) // plan.batch):
            chosen = draw.choice(len(train[0]), plan.batch, replace=False)
            weights, _ = reference.step(weights, train[0][chosen], train[1][chosen], np.ones((plan.batch, 64)), plan)
        matrices = [weights[n] for n in ("w1", "w2")]
        zeros = np.mean([w == 0 for m in matrices for w in m.ravel()])
        unused = int((weights["w1"] == 0).all(axis=1).sum())
        squares = sum(float((m**2).sum()) for m in matrices)
        accuracy = f"{right(weights, *train):>9.3f}{right(weights, *valid):>9.3f}"
        print(f"{name:14}{accuracy}{squares:>13.1f}{zeros:>14.1%}{unused:>15}")


if __name__ == "__main__":
    main()
