"""Why deep and recurrent networks stop learning at their beginnings, and the remedies: ReLU, first weights, gates.

What is printed is how much of the gradient behind the last layer, or time, is left before the first. Sigmoids with
small first weights lose it at every layer; ReLU with variance 2 / inputs keeps it, batch norm brings it back, and an
LSTM whose forget gates begin open carries it over a hundred times. Clipping bounds what is too much; it brings back
nothing.
"""

import torch
from torch import nn

from wellfit import BatchNorm, RegularizedLSTM

DEPTH, WIDTH, TIMES = 12, 64, 100


def deep(activation, first_weights):
    """Layers of equal width, each with weights as ``first_weights`` makes them and no biases at first."""
    layers = []
    for _ in range(DEPTH):
        layer = nn.Linear(WIDTH, WIDTH)
        first_weights(layer.weight)
        nn.init.zeros_(layer.bias)
        layers += [layer, activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))


def small(weight):
    nn.init.normal_(weight, std=0.05)


def he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def left_in(network):
    """The gradient on the inputs over that on the values that leave the last hidden layer."""
    x = torch.randn(256, WIDTH, generator=torch.Generator().manual_seed(1)).requires_grad_()
    hidden = network[:-1](x)
    hidden.retain_grad()
    network[-1](hidden).square().mean().backward()
    return float(x.grad.norm() / hidden.grad.norm())


def left_over_time(hidden_values, inputs=4):
    """The gradient on the first input of a sequence over that on the last."""
    x = torch.randn(16, TIMES, inputs, generator=torch.Generator().manual_seed(1)).requires_grad_()
    hidden_values(x)[:, -1].square().sum().backward()
    return float(x.grad[:, 0].norm() / x.grad[:, -1].norm())


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)  # what is left would be 0 in float32
    print(f"{DEPTH} layers, gradient on what enters the first over that on what leaves the last:")
    print(f"  sigmoid, small first weights    {left_in(deep(nn.Sigmoid, small)):.1e}")
    print(f"  sigmoid, Xavier                 {left_in(deep(nn.Sigmoid, nn.init.xavier_uniform_)):.1e}")
    print(f"  ReLU, small first weights       {left_in(deep(nn.ReLU, small)):.1e}")
    print(f"  ReLU, He                        {left_in(deep(nn.ReLU, he)):.1e}")
    print(f"  ReLU, small, with batch norm    {left_in(BatchNorm().rewrite(deep(nn.ReLU, small))):.1e}")
    print(f"{TIMES} times, gradient at the first over that at the last:")
    plain = nn.RNN(4, 32, batch_first=True)
    print(f"  recurrent network               {left_over_time(lambda x: plain(x)[0]):.1e}")
    print(f"  LSTM with open forget gates     {left_over_time(RegularizedLSTM(4, 2, width=32).layers):.1e}")


if __name__ == "__main__":
    main()
