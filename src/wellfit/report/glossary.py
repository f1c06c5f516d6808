"""The words of the report, each in one sentence, and the codes that it mentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.codes import codes_of
from wellfit.report.html import Html, h

TERMS: dict[str, str] = {
    "regularization": "Whatever helps a network in training to do well on new rows, not only on those it saw.",
    "recipe": "A set of regularizers with their strengths, stored as names and numbers.",
    "cocktail": "A recipe of several regularizers, found by search.",
    "control": "The same network, trained without regularization, with its own search of the learning rate and as many "
    "steps as the recipes got: what a recipe has to beat.",
    "refit": "The best recipe trained once more from the start with several seeds.",
    "ensemble": "Several of the trained networks whose predictions are averaged, chosen on the validation rows; where "
    "one slice validates, as many as there was time for were trained once more on all rows, and predict too.",
    "training, validation and test rows": "The network learns from the first; choices are made on the second; "
    "the third are read once, at the end, for the scores in this report.",
    "95 % interval": "Made so that it holds the true value in 95 of 100 repeats; rows and seeds vary, whole groups "
    "where rows come in groups.",
    "paired": "Two models are compared on the same rows and seeds, so that what is hard for both cancels out.",
    "log loss": "How surprised a model is by the true class, on average; 0 is perfect, lower is better.",
    "RMSE": "The root of the mean squared error, in the unit of the target; lower is better.",
    "accuracy": "The share of rows whose class is named right.",
    "balanced accuracy": "Accuracy of each class, averaged, so that rare classes count as much as frequent ones.",
    "AUC": "The chance that a row of a class gets a higher probability for it than a row of another; 0.5 is a coin.",
    "R2": "The share of the target's variance that is explained; 1 is perfect, 0 is the mean.",
    "MAE": "The mean absolute error, in the unit of the target; lower is better.",
    "member": "One network of the population that trains side by side, with its own recipe, learning rate and seed.",
    "member-step": "One optimizer step of one member: the currency in which budgets are compared.",
    "rung": "A stretch of training after which the worse members leave and the better ones go on.",
    "seed": "The number that random draws start from: the same seed gives the same draws.",
    "temperature": "One number that makes probabilities more or less sure, fitted on the validation rows.",
    "overfitting": "The network goes on to improve on the rows that it learns from while it gets worse on others.",
    "counterfactual": "The same training with one thing changed: what the change gains says what was missing.",
    "ablation": "The recipe without one of its parts, to see what that part was worth.",
    "lean recipe": "The recipe without the parts that earned nothing, kept only where it is shown to be no worse.",
    "Holm-adjusted": "A p value made stricter for how many things were tried at once.",
    "winner's curse": "The best of many is partly the luckiest, so the score that chose it is too good.",
    "calibration error": "How far the probabilities lie from the shares that come true, on average over the rows.",
    "dead unit": "A unit that is zero on every row, so that it passes nothing on and learns nothing.",
}
"""A term to its sentence, from the general to the particular."""


def glossary(record: Mapping[str, Any]) -> Html:
    """Every term in one sentence, and every code of the page with where to read on."""
    terms = [h("div", h("dt", term), h("dd", sentence)) for term, sentence in TERMS.items()]
    return h("section", h("h2", "Glossary"), h("dl", terms, class_="terms"), _codes(record), id="glossary")


def _codes(record: Mapping[str, Any]) -> list[Html]:
    found = codes_of(record)
    if not found:
        return []
    told = [
        h(
            "div",
            h("dt", name),
            h("dd", sentence, " " if sentence else None, h("code", f"wellfit explain {name}")),
            id=name,
        )
        for name, sentence in found.items()
    ]
    return [h("h3", "Codes"), h("dl", told, class_="terms")]
