"""Every stable code that a message of wellfit can carry, with its meaning."""

from __future__ import annotations

_OTHERS: dict[str, str] = {
    "WF-A60": "A network of wellfit.models is given a size, or a sequence, that it cannot have.",
    "WF-A61": "There are fewer rows than a batch, or none to judge by.",
    "WF-A62": "A part of the recipe makes training rows anew, where only tables can.",
    "WF-B01": "The budget ended before the comparison did; what there was is saved.",
    "WF-D24": "A file with validation or test rows lacks columns of the training file.",
    "WF-E01": "An optional package is not installed; the fix names the pip line.",
    "WF-F01": "A stored file could not be written, or is not what wellfit wrote.",
    "WF-F02": "The run folder cannot be made.",
    "WF-F03": "The run folder holds no model that can be read.",
    "WF-F04": "The folder holds no run.",
    "WF-F05": "The file holds no plan that can be repeated.",
    "WF-F06": "The pruned run cannot be written, or would not predict the same.",
    "WF-I01": "The run was stopped by the person or the system; the best so far is saved.",
    "WF-R01": "Two regularizers have the same name.",
    "WF-R02": "A knob of a regularizer is not a number.",
    "WF-R03": "A knob of a regularizer lies outside the values that make sense.",
    "WF-R04": "A recipe takes regularizers, and something else was given.",
    "WF-R05": "A recipe holds the same regularizer twice.",
    "WF-R06": "Recipes of different structure cannot be trained in one stack.",
    "WF-R07": "A regularizer that changes the whole network cannot be confined to a part of it.",
    "WF-R08": "A regularizer needs a resource, such as a teacher, that this training does not bring.",
    "WF-R09": "A regularizer cannot be computed for these inputs.",
    "WF-R10": "A recipe file is malformed; the message names the place.",
    "WF-R11": "A regularizer of the recipe does not fit the task.",
    "WF-R12": "A regularizer or predictor finds nothing in the network or the recipe that it could act on.",
    "WF-T01": "Training failed in a worker process.",
    "WF-T02": "A worker process was killed twice, most likely for want of memory.",
    "WF-U01": "The budget is no time above 0.",
    "WF-U02": "The metric is unknown, or does not fit the task.",
    "WF-U03": "No target was named.",
    "WF-U04": "The device is unknown, or is not there.",
    "WF-U05": "The run holds no model of that name.",
    "WF-D80": "A class has too few training rows for as many neighbors as synthetic rows are made between.",
    "WF-D81": "A data-level part balances classes, and the target is a number.",
    "WF-D82": "A data-level part cannot work on these rows; the message says why.",
    "WF-D25": "All weights of one part of the rows are 0.",
    "WF-U06": "The run predicts numbers, not classes.",
    "WF-U10": "The command line has an unknown, missing or malformed option.",
    "WF-U11": "The model to predict with is neither ensemble nor single.",
    "WF-U12": "There is no regularizer and no code of that name.",
    "WF-U13": "There is no family, stage or grade of that name.",
    "WF-V01": "A translation names a tool or a parameter that is not known.",
    "WF-V02": "A value of a translation cannot be read, or lies where it makes no sense.",
    "WF-V03": "A translation needs something of the problem that was not given.",
    "WF-V04": "No setting of the target is equal to that of the source.",
    "WF-U15": "The way to balance classes is unknown, does not fit the target, or is asked for twice.",
    "WF003": "Every network diverged: no validation loss was a number.",
}
"""Codes whose own part of wellfit keeps no list of them."""


def all_codes() -> dict[str, str]:
    """Every code to its sentence; a part that keeps a list of its own has the last word."""
    from wellfit.data.notes import CODES
    from wellfit.lint import all_rules

    lint = {r.code: f"A recipe's {r.level}: {r.title}. {r.fix}" for r in all_rules()}
    return dict(sorted({**_OTHERS, **CODES, **lint}.items()))
