"""Weight decay of optimizers: coupled, a gradient and so a penalty; or decoupled, a shrinking of its own."""

from __future__ import annotations

from wellfit.translator.losses import OWN_LOSS, own_scale
from wellfit.translator.records import Amount, Decay, Form, Setting, Tool
from wellfit.translator.shapes import Square

_STEP = Amount(above=True)
_RATE = "learning_rate"
_MOMENTUM = Amount(0.0, high=1.0, below=True)
_TORCH_GROUP = "put biases and normalization into a parameter group with weight_decay=0"
_KERAS_EXCLUDE = "call optimizer.exclude_from_weight_decay(var_names=['bias'])"
_OPTAX_MASK = "give mask= a tree that is False at the biases"
_DECOUPLED_SOURCE = "Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101"
_COUPLED_SOURCE = "Krogh & Hertz, A Simple Weight Decay Can Improve Generalization, NeurIPS 4, 1991; torch.optim"


def _kept(setting: Setting) -> float:
    """1 - momentum: a velocity adds a gradient up 1 / (1 - momentum) times, a decoupled decay acts once."""
    return 1.0 - setting["momentum"]


def _no_decay(name: str) -> str:
    return (
        f"{name} adds the decay to the gradient and rescales both together, so that a step takes no fixed share "
        "of a weight"
    )


def _no_form(name: str) -> str:
    return (
        f"{name}'s decay is decoupled: it shrinks weights beside the objective and is no term of it, so that no "
        "lambda gives the same weights"
    )


def _coupled(name: str, default: float = 0.0) -> Tool:
    return Tool(
        name=f"torch.{name}",
        objective="gradient of your loss + weight_decay * w, that is loss + weight_decay / 2 * sum(w ** 2)",
        source=_COUPLED_SOURCE,
        call=f"torch.optim.{name}(parameters, {{}})",
        numbers={"weight_decay": Amount(default), "lr": _STEP},
        choices={**OWN_LOSS, **({"decoupled_weight_decay": ("False", "True")} if name in _EITHER else {})},
        form=Form(Square("weight_decay", 0.5), own_scale),
        no_decay=_no_decay(name),
        bias="pulled",
        bias_out=_TORCH_GROUP,
        variants={"decoupled_weight_decay=True": f"torch.{name}(decoupled)"} if name in _EITHER else {},
    )


def _decoupled(name: str, default: float, call: str, bias_out: str, rate: str = "lr", source: str = "") -> Tool:
    return Tool(
        name=name,
        objective="w <- w - lr * weight_decay * w, beside the step of the optimizer",
        source=source or _DECOUPLED_SOURCE,
        call=call,
        numbers={"weight_decay": Amount(default), "lr": _STEP},
        decay=Decay(),
        no_form=_no_form(name),
        bias="pulled",
        bias_out=bias_out,
        rate=rate,
    )


_EITHER = ("Adam", "NAdam", "RAdam")
"""torch's optimizers whose decoupled_weight_decay=True makes the decay a decoupled one."""

_TORCH_SGD = Tool(
    name="torch.SGD",
    objective="gradient of your loss + weight_decay * w, that is loss + weight_decay / 2 * sum(w ** 2)",
    source=_COUPLED_SOURCE,
    call="torch.optim.SGD(parameters, {})",
    numbers={"weight_decay": Amount(0.0), "lr": _STEP, "momentum": _MOMENTUM},
    choices=OWN_LOSS,
    form=Form(Square("weight_decay", 0.5), own_scale),
    decay=Decay(slowness=_kept),
    bias="pulled",
    bias_out=_TORCH_GROUP,
)

_KERAS_SGD = Tool(
    name="keras.SGD",
    objective="w <- w - lr * weight_decay * w; at rest that of loss + (1 - momentum) * weight_decay / 2 * sum(w ** 2)",
    source=f"keras.optimizers, weight_decay; {_DECOUPLED_SOURCE}",
    call="keras.optimizers.SGD({})",
    numbers={"weight_decay": Amount(0.0), "lr": _STEP, "momentum": _MOMENTUM},
    choices=OWN_LOSS,
    form=Form(Square("weight_decay", 0.5), lambda setting: own_scale(setting) / _kept(setting)),
    decay=Decay(),
    bias="pulled",
    bias_out=_KERAS_EXCLUDE,
    as_target=(
        "At a constant rate: where it falls, momentum carries older, larger steps and the decay counts a little less.",
    ),
    rate=_RATE,
)

_OPTAX_COUPLED = Tool(
    name="optax.add_decayed_weights",
    objective="gradient of your loss + weight_decay * w, chained before an adaptive rule such as scale_by_adam",
    source="optax documentation, add_decayed_weights",
    call="optax.chain(optax.add_decayed_weights({}), optax.scale_by_adam(), ...)",
    numbers={"weight_decay": Amount(0.0), "lr": _STEP},
    choices=OWN_LOSS,
    form=Form(Square("weight_decay", 0.5), own_scale),
    no_decay=_no_decay("add_decayed_weights before an adaptive rule"),
    bias="pulled",
    bias_out=_OPTAX_MASK,
    notes=("After the adaptive rule it is decoupled: that is optax.adamw.",),
)

_MUON = "Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; torch.optim"
_ADAFACTOR = "Shazeer & Stern, Adafactor, ICML 2018, arXiv 1804.04235; torch.optim"
_LION = "Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, arXiv 2302.06675"

OPTIMIZERS = (
    _TORCH_SGD,
    *(_coupled(name) for name in ("Adam", "NAdam", "RAdam", "Adagrad", "RMSprop", "Adamax", "Adadelta")),
    *(
        _decoupled(
            f"torch.{name}(decoupled)", 0.0, f"torch.optim.{name}(parameters, {{}}, decoupled_weight_decay=True)",
            _TORCH_GROUP,
        )
        for name in _EITHER
    ),
    _decoupled("torch.AdamW", 0.01, "torch.optim.AdamW(parameters, {})", _TORCH_GROUP),
    _decoupled("torch.Adafactor", 0.0, "torch.optim.Adafactor(parameters, {})", _TORCH_GROUP, source=_ADAFACTOR),
    _decoupled("torch.Muon", 0.1, "torch.optim.Muon(matrices, {})", "it takes matrices only", source=_MUON),
    _KERAS_SGD,
    _decoupled("keras.Adam", 0.0, "keras.optimizers.Adam({})", _KERAS_EXCLUDE, _RATE),
    _decoupled("keras.AdamW", 0.004, "keras.optimizers.AdamW({})", _KERAS_EXCLUDE, _RATE),
    _decoupled("optax.adamw", 1e-4, "optax.adamw({})", _OPTAX_MASK, _RATE),
    _decoupled("optax.lion", 1e-3, "optax.lion({})", _OPTAX_MASK, _RATE, _LION),
    _OPTAX_COUPLED,
)  # fmt: skip
