"""Writes docs/diagnosis.md from the checks and limits of the code: python docs/make_diagnosis_page.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from wellfit.diagnosis import CHECKS, Check, Limits
from wellfit.diagnosis.verdict import ORDER

PAGE = Path(__file__).with_name("diagnosis.md")

HEAD = """# Diagnosis

`wellfit diagnose` says whether a training overfits, underfits or fails, how sure that is, and what helps.

```
wellfit diagnose history.csv                       # curves alone: a suspicion at most
wellfit diagnose table.csv --target income         # by experiment: confirmed
wellfit diagnose table.csv --target income --study learning-curve --fail-on overfit:confirmed
wellfit diagnose table.csv --target income --out why.html    # a page: curves, changes, layers, studies
```

```python
wellfit.diagnose({"train_loss": [...], "val_loss": [...]})
found = wellfit.diagnose(model=Net, train=(X, y), val=(X_val, y_val), rate=1e-3, epochs=40, recipe=recipe)
found.verdict, found.code, found.confidence        # "overfit", "WF020", "confirmed"
found.recipe()                                     # the remedy, as a recipe
found.assert_healthy()                             # a gate for tests
found.save_page("why.html")                        # the page; in a notebook the verdict shows itself
```

## How it works

A gap between training and validation loss is no illness: healthy networks have one. So the setting is trained again
with one change each, on three seeds, side by side in stacks. The change that helps names the illness, and whether it
fits training rows more or less tells overfitting from underfitting.

Changes come in rounds, and none is tried that could not change the verdict (`--thorough` tries all):

| round | what is tried | where |
|---|---|---|
| 1 | the setting itself on three seeds; stopping early is read off its curves | always |
| 2 | standardized inputs | inputs far from standardized |
| 3 | no regularization; batch normalization; rate / 10 and / 100 | units dead or saturated, gradients vanish, spikes |
| 4 | the same, and rate x 10; then epochs x 3, width x 4 | training rows are not fitted, or losses still fell |
| 5 | more and much more regularization | a gap that is wide enough to gain from |
| 6 | half of the rows, both sides stopped early | a wide gap that nothing narrows |
| 7 | weights that let every class count the same | a rare class is left behind |

Once an illness is confirmed the rounds end. Two models of half of the rows then tell whether wrong labels are behind
an overfitting.

A change helps where the 99 % interval of its gain lies above 0 (a bootstrap over validation rows and seeds, paired)
and the gain is 15 % of the validation loss or more. The stopping epoch is chosen on one half of the validation rows and
scored on the other, both ways. In a simulation without any true difference this raises a false alarm in none of 400
trainings, and in 12 % where the stop is scored on the rows it was chosen on.

Training and validation losses are compared in the same mode, regularizers off. Test rows are never read.

A verdict is `confirmed` where an experiment shows it and `suspected` where only a curve or a look inside does. With
fewer than 50 validation rows health is not certified, and where a change seems to help but its interval reaches 0 the
verdict is `undecided`; the smallest gain that could have been resolved is told.

The remedy is a recipe, and a search can begin with it:

```
wellfit diagnose table.csv --target income --json > why.json
wellfit fit table.csv --target income --start why.json
```

`wellfit fit` says why, too: its record holds a diagnosis of the network without regularization, from the trainings of
the re-scoring. With three seeds or more it can be confirmed.

## Files with curves

CSV with the columns `epoch, train_loss, val_loss` (also `accuracy`, `val_accuracy`, `lr`, under the usual other
names), the JSON of Keras's `history.history`, the `metrics.csv` of Lightning's CSVLogger (rows of one epoch are
merged), TensorBoard's event files or a folder of them (`tensorboard` itself is not needed).

## What it costs

The result says how many trainings ran, and how much longer their steps took than one plain training of the setting.
An overfitting that stopping early mends takes 3 to 6 trainings, a healthy network 6 to 12, one that does not fit its
training rows up to 20 and more. Networks with layers of dropout of their own do not stack: give dropout as a part of
the recipe instead. What does not fit into `--budget` is left out and listed; a training that the budget ends is
`undecided`.

## Studies on request

They train many times and say their price first.

| name | what it finds |
|---|---|
| `learning-curve` | loss at 1/8, 1/4, 1/2 and all rows, a power law through them, what twice the rows would gain |
| `label-noise` | numbers of training rows whose labels look wrong, by models of the other folds |
| `random-labels` | how much of permuted labels is learned by heart in the same time |
| `bias-variance` | bias and variance over 20 bootstrap refits, with intervals |

`--fail-on overfit` ends with exit code 10 on a suspected and a confirmed verdict, `--fail-on overfit:confirmed` on the
latter only; codes are allowed as well.

## Checks

The first of these that finds something gives the verdict: {order}. The others are listed.

"""


def page() -> str:
    """The whole page."""
    order = ", ".join(CHECKS[name].code for name in ORDER)
    checks = "\n".join(_section(check) for check in sorted(CHECKS.values(), key=lambda c: c.code))
    rows = "\n".join(f"| `{f.name}` | {f.default:g} | {f.metadata['source']} |" for f in dataclasses.fields(Limits))
    head = "## Thresholds\n\n`Limits(gain=0.1)` overrides one.\n\n| name | number | what it is, and its source |"
    limits = f"{head}\n|---|---|---|\n{rows}\n"
    return f"{HEAD.replace('{order}', order)}{checks}\n{limits}"


def _section(check: Check) -> str:
    remedies = "\n".join(f"{place}. {remedy}" for place, remedy in enumerate(check.remedy, 1))
    return (
        f'<a id="{check.code.lower()}"></a>\n\n### {check.code}: {check.title}\n\n'
        f"Verdict `{check.verdict}`, severity {check.severity}. Found where {check.rule}. "
        f"Confirmed by {check.confirmed_by}. Source: {check.source}.\n\n{remedies}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
