"""Whether a target can hold what a source says: its loss, its solver, its parts, its range."""

from __future__ import annotations

from collections.abc import Mapping

from wellfit.translator.records import By, Setting, Strength, Tool, Value
from wellfit.translator.refusals import impossible
from wellfit.translator.tools import TOOLS

LOSSES = {
    "squared": "squared error", "log": "log loss", "hinge": "hinge loss", "squared_hinge": "squared hinge loss",
    "own": "the loss that you write",
}  # fmt: skip


def same_loss(start: Setting, end: Setting, choices: Mapping[str, Value]) -> tuple[Setting, dict[str, Value]]:
    """The target with the loss of the source, where the target has a choice and nobody made it."""
    wanted, by = start.fact(start.tool.loss), end.tool.loss
    adopted: dict[str, Value] = {}
    if isinstance(by, By) and by.choice not in choices and wanted != "own":
        fit = [case for case, loss in by.cases.items() if loss == wanted]
        adopted = {by.choice: fit[0]} if fit else {}
        end = Setting(end.tool, {**end.values, **adopted}, end.facts)
    has = end.fact(by)
    if "own" not in (wanted, has) and wanted != has:
        raise impossible(
            f"{start.tool.name} fits a {LOSSES[wanted]} and {end.tool.name} a {LOSSES[has]}: no strength gives both "
            "the same weights.",
            "Choose a tool of the same loss. For the bare number, go through --to canonical and from there on.",
        )
    return end, adopted


def able(end: Setting, strength: Strength, choices: Mapping[str, Value]) -> tuple[Setting, dict[str, Value]]:
    """The target with a solver that can do the penalty, where nobody chose one."""
    for choice, can in end.tool.limits.items():
        fit = [value for value, kinds in can.items() if strength.kind in {*kinds, "none"}]
        if fit and choice not in choices and end.word(choice) not in fit:
            return Setting(end.tool, {**end.values, choice: fit[0]}, end.facts), {choice: fit[0]}
        refuse_limits(end, strength)
    return end, {}


def refuse_limits(setting: Setting, strength: Strength) -> None:
    for choice, can in setting.tool.limits.items():
        if strength.kind not in {*can[setting.word(choice)], "none"}:
            fit = [value for value, kinds in can.items() if strength.kind in kinds]
            named = {"l1": "an l1", "l2": "an l2", "elasticnet": "an elastic net"}[strength.kind]
            raise impossible(
                f"{setting.tool.name} with {choice}={setting.word(choice)} has no {named[3:]} penalty, and {named} "
                "penalty is what this is.",
                f"Choose {choice}={' or '.join(fit)}." if fit else "Choose sklearn.LogisticRegression solver=saga.",
            )


def refuse_parts(start: Setting, end: Setting, strength: Strength) -> None:
    """A part of the penalty that the target lacks would be lost."""
    form = end.tool.form
    assert form is not None  # for the type checker: the caller looked
    lost = [part for part in ("l1", "l2") if getattr(strength, part) and part not in form.shape.carries]
    if lost:
        library, loss = end.tool.name.partition(".")[0], start.fact(start.tool.loss)
        able = [tool.name for tool in TOOLS.values() if tool.name.startswith(f"{library}.") and _holds_both(tool, loss)]
        raise impossible(
            f"{end.tool.name} has no {lost[0].upper()} part, and {start.tool.name} has one of "
            f"{getattr(strength, lost[0]):g}: it would be lost.",
            f"{' or '.join(able or ['wellfit.Recipe'])} can hold both parts.",
        )


def refuse_range(end: Setting, found: Mapping[str, Value]) -> None:
    for name, value in found.items():
        if name in end.tool.numbers and not end.tool.numbers[name].holds(float(value)):
            raise impossible(
                f"{end.tool.name} would need {name}={value:.6g}, and it takes {end.tool.numbers[name].shown()}.",
                "The values given lie too far out; look at them again.",
            )


def no_way(start: Setting, end: Setting) -> Exception:
    """Why a penalty and a decay, or a decay and an adaptive step, have no common word."""
    lacks = start.tool if start.tool.form is None else end.tool
    other = end.tool if lacks is start.tool else start.tool
    why = f"{lacks.no_form}. {other.no_decay or f'{other.name} is a penalty and has no decay to compare'}"
    way = (
        f"What {lacks.name} shares with other tools is its timescale, 1 / (lr * decay) steps: torch.SGD, keras.SGD, "
        "wellfit.WeightDecay and every decoupled optimizer take it, with lr on both sides. A penalty under an "
        "adaptive optimizer has to be searched anew."
    )
    return impossible(f"{why}.", way)


def _holds_both(tool: Tool, loss: str) -> bool:
    """Whether a tool has both parts of a penalty, beside this loss."""
    losses = set(tool.loss.cases.values()) if isinstance(tool.loss, By) else {tool.loss}
    fits = loss == "own" or bool({loss, "own"} & losses)
    return fits and tool.form is not None and tool.form.shape.carries == {"l1", "l2"}
