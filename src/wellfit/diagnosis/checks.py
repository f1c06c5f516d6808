"""Every check that a diagnosis makes: its code, its rule, what confirms it, where the rule comes from, what helps."""

from __future__ import annotations

import dataclasses

VERDICTS = (
    "healthy", "overfit", "underfit", "undertrained", "diverged", "unstable", "untrainable", "broken", "leakage",
    "over-confident", "uneven", "noisy", "search-edge", "undecided",
)  # fmt: skip
"""The words that a verdict may be."""

OUTCOMES = ("finding", "healthy", "not_applicable", "undecided")
"""What may come of a check."""

SEVERITIES = ("high", "medium", "low", "info")


@dataclasses.dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        code: stable, ``WF001`` to ``WF099``.
        verdict: the word that the diagnosis gets where this is the primary finding, one of ``VERDICTS``.
        title: the illness in a few words.
        rule: when it is found, in words; numbers stand in ``Limits``.
        confirmed_by: the experiment that makes it certain.
        source: where the rule comes from.
        remedy: what to do, first things first.
        severity: one of ``SEVERITIES``.
    """

    code: str
    verdict: str
    title: str
    rule: str
    confirmed_by: str
    source: str
    remedy: tuple[str, ...]
    severity: str = "high"

    @property
    def anchor(self) -> str:
        """Where the documentation explains it."""
        return f"docs/diagnosis.md#{self.code.lower()}"


_PLAYBOOK = "Godbole, Dahl, Gilmer, Shallue & Nado, Deep Learning Tuning Playbook, 2023"

CHECKS: dict[str, Check] = {
    "broken": Check(
        "WF001", "broken", "inputs or labels are broken",
        "a value is not finite, there is a single class, the first loss is far from that of guessing, or one batch "
        "cannot be fitted with all regularizers off",
        "one batch, trained alone", "Karpathy, A Recipe for Training Neural Networks, 2019",
        ("look at a few rows with their labels as the model gets them", "check the loss and the shape of its inputs",
         "standardize the inputs"),
    ),
    "leakage": Check(
        "WF002", "leakage", "validation rows are known from training",
        "validation rows are training rows, exactly or but for a trace, share groups with them that help, or are "
        "predicted better than training rows",
        "the same without the copies", "checks of this kind stand in deepchecks (train-test mix) and skore",
        ("drop the copies from one side", "split by group or time", "fit every preparation on training rows only"),
    ),
    "diverged": Check(
        "WF003", "diverged", "training diverged",
        "a loss is not finite, or ends far above where it began, or single steps change weights by more than a tenth",
        "learning rate / 10, / 100", _PLAYBOOK,
        ("learning rate / 10", "warm-up over the first 5 % of steps", "clip gradients at their 90th percentile",
         "normalization layers"),
    ),
    "unstable": Check(
        "WF004", "unstable", "the loss has spikes",
        "three or more training losses stand far above their neighbors", "learning rate / 10", _PLAYBOOK,
        ("warm-up over the first 5 % of steps", "clip gradients at their 90th percentile", "learning rate / 10"),
    ),
    "dead": Check(
        "WF005", "untrainable", "units are dead or saturated",
        "in some layer many ReLU units are 0 on every row, or many tanh or sigmoid values stand at their bounds",
        "learning rate / 10 or batch normalization: where training rows are fitted all the same, only if it gains more "
        "than any restraint", "shares of dead units measured on the digits",
        ("learning rate / 10", "He initialization, biases at 0", "LeakyReLU or GELU", "batch normalization"),
    ),
    "vanishing": Check(
        "WF006", "untrainable", "gradients vanish or explode on their way through the layers",
        "the gradient in units of the weights differs by many powers of ten between layers",
        "batch normalization", "Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Neural "
        "Networks, AISTATS 2010",
        ("a ReLU-like activation", "He or Xavier initialization", "normalization layers", "residual connections",
         "for recurrent networks LSTM, and clipping"),
    ),
    "collapsed": Check(
        "WF007", "underfit", "regularization has collapsed the weights",
        "with regularization on, the training loss is hardly below that of guessing",
        "the same without regularization", "measured on the digits",
        ("halve every strength", "leave out the strongest regularizer"),
    ),
    "epochs": Check(
        "WF010", "undertrained", "training stopped while it still gained",
        "the last tenth of the epochs still brings a share of the whole progress, and the last epoch is the best",
        "three times the epochs, or learning rate x 10", _PLAYBOOK,
        ("three times the epochs", "learning rate x 3 to x 10", "a one-cycle schedule"),
    ),
    "capacity": Check(
        "WF011", "underfit", "the model is too small",
        "the training loss has come to rest far from 0 with no gap, and no regularization is to blame",
        "four times the width", "checks of this kind stand in skore",
        ("two to four times the width", "one more layer, with a residual connection", "features that say more"),
    ),
    "over-regularized": Check(
        "WF012", "underfit", "regularization is too strong",
        "the training loss has come to rest far from 0, and leaving the regularizers out helps",
        "the same without regularization", "by experiment",
        ("halve every strength", "leave out the regularizer whose absence helps most: wellfit ablate"),
    ),
    "optimization": Check(
        "WF013", "undertrained", "the optimizer does not get there",
        "the training loss has come to rest far from 0, and another learning rate or normalization lowers it",
        "another learning rate, or batch normalization", _PLAYBOOK,
        ("the learning rate that helped", "normalization layers", "standardize the inputs, quantiles for skewed ones"),
    ),
    "features": Check(
        "WF014", "underfit", "the inputs hardly say anything of the target",
        "no network, linear model or boosted trees predicts validation rows better than guessing, by a paired "
        "interval, and no interval reaches a gain that would count",
        "every model beside guessing on the same validation rows",
        "the noise floor of Geman, Bienenstock & Doursat, Neural Computation 1992",
        ("other features", "check that inputs and labels belong to the same rows", "cleaner labels"),
    ),
    "too-long": Check(
        "WF020", "overfit", "trained too long",
        "the validation loss has risen since its best epoch",
        "stopping at an epoch chosen on the other half of the validation rows",
        "Prechelt, Early Stopping - But When?, 1998",
        ("stop early and restore the best weights", "decoupled weight decay 0.01", "dropout 0.2",
         "label smoothing 0.05", "mixup 0.2"),
    ),
    "variance": Check(
        "WF021", "overfit", "the model learns its training rows by heart",
        "validation rows are predicted clearly worse than training rows, and more regularization or more data helps",
        "stronger regularization, or the difference to half of the data", "by experiment",
        ("decoupled weight decay 0.01", "dropout 0.2", "label smoothing 0.05", "mixup 0.2",
         "augmentation or more rows", "average of weights or of several networks"),
    ),
    "label-noise": Check(
        "WF022", "overfit", "wrong labels are learned by heart",
        "the model overfits, and rows of which held-out models are surest carry other labels",
        "early stopping, with the share of wrong labels among the surest rows",
        "Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017; Northcutt, Jiang & "
        "Chuang, Confident Learning, JAIR 2021",
        ("stop early and restore the best weights", "look at the suspected rows: --study label-noise",
         "label smoothing 0.1", "generalized cross-entropy 0.7", "mixup 0.4 to 8"),
    ),
    "benign-gap": Check(
        "WF023", "healthy", "a gap that nothing narrows",
        "validation rows are predicted worse than training rows, and no change of the training helps",
        "all changes together", "by experiment", ("nothing; more rows may help",), "info",
    ),
    "double-descent": Check(
        "WF024", "overfit", "near the point where training rows are just fitted",
        "training rows are just fitted, and the validation loss rose and fell again",
        "four times the width", "Nakkiran et al., Deep Double Descent, ICLR 2020",
        ("more width", "tuned weight decay", "train past the peak; do not stop early"), "medium",
    ),
    "over-confident": Check(
        "WF030", "over-confident", "right as often, but too sure",
        "the validation loss rises while the accuracy holds, or a temperature above 1 helps on other rows",
        "a temperature fitted on one half of the rows and scored on the other",
        "Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017",
        ("a temperature: free, and no answer changes", "label smoothing 0.05 to 0.1", "mixup 0.2",
         "stop by the log loss"), "medium",
    ),
    "class-gap": Check(
        "WF031", "uneven", "one class is left behind",
        "the accuracy on one class lies below that on the others, Holm-adjusted",
        "weights that let every class count the same lower the error and the loss averaged over classes",
        "Holm, Scandinavian Journal of Statistics 1979",
        ("class weights: --class-weight balanced", "adjusted thresholds or logits", "more rows of that class"),
        "medium",
    ),
    "shift": Check(
        "WF032", "uneven", "one group of rows is predicted worse",
        "a model of the other groups predicts a group clearly worse than those",
        "each group held out in turn, Holm-adjusted", "by experiment",
        ("rows of that group in training", "inputs standardized within each group", "batch statistics of its own"),
        "medium",
    ),
    "noisy-curve": Check(
        "WF040", "noisy", "the validation curve is too noisy to choose by",
        "the validation loss jumps from epoch to epoch by more than a share of itself", "more validation rows",
        _PLAYBOOK, ("more validation rows, or cross-validation", "an average of weights", "a decaying learning rate"),
        "low",
    ),
    "search-edge": Check(
        "WF041", "search-edge", "the best setting stands at the edge of what was searched",
        "the best value lies in the outer tenth of its range", "a wider search", _PLAYBOOK,
        ("search a wider range",), "low",
    ),
    "healthy": Check(
        "WF000", "healthy", "nothing that was tried helps", "no other check gives a verdict, no change helps",
        "all changes together", "by experiment", ("nothing",), "info",
    ),
    "undecided": Check(
        "WF099", "undecided", "too few rows, epochs or seeds to tell",
        "a change seems to help, and its interval reaches 0; or too little was given to look at",
        "more validation rows", "the smallest gap that could have been resolved: 1.96 + 0.84 standard errors",
        ("more validation rows or seeds",), "info",
    ),
}  # fmt: skip
"""Every check by its name."""


def by_code(code: str) -> Check:
    """The check of a code; raises KeyError where there is none."""
    return {c.code: c for c in CHECKS.values()}[code]
