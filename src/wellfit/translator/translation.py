"""One setting told in another tool's words: by the strength both hold, else by the pace at which both decay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wellfit.report.plain import plain
from wellfit.translator.fitting import able, no_way, refuse_limits, refuse_parts, refuse_range, same_loss
from wellfit.translator.losses import OWN_LOSS
from wellfit.translator.records import Setting, Strength, Tool, Value
from wellfit.translator.refusals import impossible, malformed, missing
from wellfit.translator.words import read_facts, read_side

if TYPE_CHECKING:
    from wellfit.recipe import Recipe


@dataclass(frozen=True)
class Translation:
    """What a translation came to.

    Attributes:
        source, target: both tools with all their values.
        found: the target's parameters that the translation set.
        chosen: those that were given for it, and the learning rate where the pace hangs on it.
        strength: the canonical strength, where both tools hold one.
        steps: in how many steps a weight shrinks by the factor e, where the pace was translated instead.
        notes: what a reader has to know, in sentences.
    """

    source: Setting
    target: Setting
    found: Mapping[str, Value]
    chosen: Mapping[str, Value]
    strength: Strength | None
    steps: float | None
    notes: tuple[str, ...]

    @property
    def values(self) -> dict[str, Value]:
        """The target's parameters that the translation set."""
        return dict(self.found)

    @property
    def epochs(self) -> float | None:
        """The pace in passes over the data, where n and batch are known."""
        facts = self.source.facts
        if self.steps is None or not {"n", "batch"} <= facts.keys():
            return None
        return self.steps * facts["batch"] / facts["n"]

    @property
    def call(self) -> str:
        """The setting as code of the target."""
        if self.target.tool.name == "wellfit.Recipe":
            return f"wellfit.Recipe({', '.join(f'wellfit.{part!r}' for part in self.recipe)})"
        names = {name: name for name in (*self.chosen, *self.found) if name not in OWN_LOSS}
        names |= {"lr": self.target.tool.rate} if "lr" in names else {}
        values = {**self.chosen, **self.found}
        told = ", ".join(f"{there}={_code(values[name])}" for name, there in names.items() if there)
        return self.target.tool.call.format(told)

    @property
    def recipe(self) -> Recipe:
        """The canonical strength, or the decay, as a recipe of wellfit."""
        from wellfit.recipe import Recipe
        from wellfit.regularizers import L1, L2, ElasticNet, WeightDecay

        if self.strength is None:
            if self.target.tool.name not in {"wellfit.Recipe", "wellfit.WeightDecay"}:
                way = f"Translate to wellfit: --to wellfit lr={self.source['lr']:g}."
                raise impossible(f"a decay for {self.target.tool.name} is no recipe.", way)
            return Recipe(WeightDecay(float(next(iter(self.found.values())))))
        l1, l2 = self.strength.l1, self.strength.l2
        parts = {"none": (), "l1": (L1(l1),), "l2": (L2(l2),)}
        both = l1 + 2.0 * l2
        return Recipe(*(parts[self.strength.kind] if self.strength.kind in parts else (ElasticNet(both, l1 / both),)))

    def to_json(self) -> dict[str, Any]:
        """Names and numbers only."""
        sides = {
            side: {"tool": setting.tool.name, "objective": setting.tool.objective, "source": setting.tool.source}
            for side, setting in (("from", self.source), ("to", self.target))
        }
        sides["from"]["values"] = dict(self.source.values)
        sides["to"] |= {
            "values": dict(self.found),
            "chosen": dict(self.chosen),
            "call": self.call,
            "bias": self.target.fact(self.target.tool.bias),
        }
        strength = None if self.strength is None else {"L1": self.strength.l1, "L2": self.strength.l2}
        return {
            "format": "wellfit.translation",
            "version": 1,
            **sides,
            "canonical": strength,
            "timescale_steps": self.steps,
            "timescale_epochs": self.epochs,
            "facts": dict(self.source.facts),
            "notes": list(self.notes),
        }


def translate(
    source: str,
    target: str,
    given: Mapping[str, object] | None = None,
    chosen: Mapping[str, object] | None = None,
    *,
    n: float | None = None,
    batch: float | None = None,
    lr: float | None = None,
    sd_y: float | None = None,
    x_rms: float | None = None,
) -> Translation:
    """Tell one tool's regularization strength in another tool's words.

    Args:
        source: a tool, with values behind it: ``"sklearn.Ridge alpha=0.5"``; those left out stand at their defaults.
        target: a tool, with what is chosen of it: ``"torch.SGD momentum=0.9"``.
        given, chosen: values of source and target as mappings instead of words.
        n: training rows.
        batch: rows in one step.
        lr: learning rate of both sides where neither names its own.
        sd_y: standard deviation of the target, dividing by n.
        x_rms: root mean square that the input columns share; 1 for standardized ones.

    Returns:
        A ``Translation``: ``values`` and ``call`` of the target, ``strength``, ``notes``, ``recipe``.

    Raises:
        UsageError: a name is unknown, a value makes no sense, something needed is missing, or no setting of the
            target is equal; the message names what, and the way out.

    Example:
        >>> translate("sklearn.Ridge alpha=0.5", "torch.SGD", n=1000).values
        {'weight_decay': 0.001}
    """
    facts = read_facts({"n": n, "batch": batch, "lr": lr, "sd_y": sd_y, "x_rms": x_rms})
    tool, values = read_side(source, given or {})
    other, choices = read_side(target, chosen or {})
    _refuse_found(other, choices)
    _refuse_missing((tool, other), facts)
    start = Setting(tool, {**_defaults(tool, facts), **values}, facts)
    end = Setting(other, {**_defaults(other, facts), **choices}, facts)
    used = [name for name in start.values if name not in values and name in _finds(tool)]
    if tool.form is not None and other.form is not None:
        return _by_strength(start, end, choices, used)
    if tool.decay is not None and other.decay is not None:
        return _by_pace(start, end, choices, used)
    raise no_way(start, end)


def _code(value: Value) -> str:
    """A value as code; 15 digits show 0.1 as 0.1 whatever was divided before."""
    if isinstance(value, str):
        return value if value in ("True", "False") else repr(value)
    return f"{value:.15g}" if math.isfinite(value) else "float('inf')"


def _defaults(tool: Tool, facts: Mapping[str, float]) -> dict[str, Value]:
    numbers = {name: amount.default for name, amount in tool.numbers.items()}
    known: dict[str, Value] = {name: value for name, value in numbers.items() if value is not None}
    if "lr" in tool.numbers and "lr" in facts:
        known["lr"] = facts["lr"]
    return known | {name: options[0] for name, options in tool.choices.items()}


def _finds(tool: Tool) -> tuple[str, ...]:
    return (tool.form.shape.finds if tool.form else ()) + ((tool.decay.parameter,) if tool.decay else ())


def _refuse_found(tool: Tool, choices: Mapping[str, Value]) -> None:
    """What a translation finds cannot be chosen beforehand."""
    for name in choices:
        if name in _finds(tool):
            raise malformed(f"{tool.name} {plain(name, 40)}", "the translation finds it; leave it out")


def _refuse_missing(tools: tuple[Tool, ...], facts: Mapping[str, float]) -> None:
    wanted = [(fact, tool.name) for tool in tools for fact in tool.needs if fact not in facts]
    if wanted:
        raise missing(wanted)


def _by_strength(start: Setting, end: Setting, choices: Mapping[str, Value], used: list[str]) -> Translation:
    form, other = start.tool.form, end.tool.form
    assert form is not None and other is not None  # for the type checker: the caller looked
    end, adopted = same_loss(start, end, choices)
    in_tool = form.shape.read(start)
    refuse_limits(start, in_tool)
    strength = in_tool.times(1.0 / form.scale(start))
    end, switched = able(end, strength, choices)
    refuse_parts(start, end, strength)
    found = {**adopted, **switched, **other.shape.write(strength.times(other.scale(end)), end)}
    refuse_range(end, found)
    notes = [*_used(start, used), *_bias(start, end), *_told(start.tool, end.tool)]
    if strength.kind == "none":
        notes.insert(0, "The strength is 0: nothing is penalized.")
    return Translation(start, end, found, choices, strength, None, tuple(notes))


def _by_pace(start: Setting, end: Setting, choices: Mapping[str, Value], used: list[str]) -> Translation:
    decay, other = start.tool.decay, end.tool.decay
    assert decay is not None and other is not None  # for the type checker: the caller looked
    lacking = [("lr", setting.tool.name) for setting in (start, end) if "lr" not in setting.values]
    if lacking:
        raise missing(lacking)
    share = decay.share(start)
    found = other.settings(share, end)
    refuse_range(end, found)
    notes = [
        "Only the timescale 1 / (lr * decay) is translated: the optimizers take different steps, so that the weights "
        "agree in how fast they forget, not in where they end.",
        *_used(start, used),
        *_bias(start, end),
        *_told(start.tool, end.tool),
    ]
    if share >= 1.0:
        notes.insert(0, f"lr * decay is {share:g}: a step takes a whole weight or more, which is no decay.")
    chosen = {**choices, "lr": end.values["lr"]}
    return Translation(start, end, found, chosen, None, 1.0 / share if share else math.inf, tuple(notes))


def _used(start: Setting, used: list[str]) -> list[str]:
    told = ", ".join(f"{name}={start.values[name]}" for name in used if start.values[name] != "")
    return [f"{start.tool.name} stands at its default {told}."] if told else []


def _bias(start: Setting, end: Setting) -> list[str]:
    """What the target does to the bias, and how that becomes what the source does."""
    before, after = start.fact(start.tool.bias), end.fact(end.tool.bias)
    if after == "pulled":
        also = ", as the source" if before == "pulled" else ", and the source does not"
        out = f" To free it: {end.tool.bias_out}." if end.tool.bias_out else ""
        return [f"{end.tool.name} penalizes the bias too{also}.{out}"]
    if after == "absent":
        return [f"{end.tool.name} has no bias."]
    other = f", {start.tool.name} penalizes it too" if before == "pulled" else ""
    return [f"{end.tool.name} leaves the bias free{other}."]


def _told(source: Tool, target: Tool) -> list[str]:
    return list(dict.fromkeys((*source.notes, *target.notes, *target.as_target)))
