"""Distillation: part of what a network is asked to say comes from a teacher, another network or its own past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Params, Regularizer, knob, memory
from wellfit.regularizers.objectives import row_divergence, weighted_mean
from wellfit.target import Target

TEACHER = "teacher"
"""The name under which a training brings the teacher."""


class Distillation(Regularizer):
    """Learn from a teacher's outputs: (1 - share) * loss + share * T ** 2 * KL(teacher at T || student at T).

    T is the temperature, "at T" is softmax(outputs / T); T ** 2 keeps the gradients of both terms at one scale. For
    numbers, where there is no temperature, it is (1 - share) * loss + share * squared error to the teacher.

    The teacher is a function from inputs (batch, ...) to outputs (batch, classes) before the softmax, or to numbers. It
    is no part of a recipe or of its file: a training brings it as the resource named ``teacher``, and it is asked for
    the very rows that the student sees, after mixing and noise.

    Args:
        share: of the teacher, 0 (neutral) to 1; 0.3 to 0.9 is usual.
        temperature: 1 and up is usual, to 20; near 0 only the teacher's first choice counts.

    Shapes:
        outputs of teacher and student: (batch, classes) or (batch, outputs).

    Raises:
        RecipeError: the training brought no teacher.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[2.0, 0.0]])
        >>> row_distance(logits, logits, classes=True, temperature=2.0).item()
        0.0

    Source:
        Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, NeurIPS workshop 2014, 2015, arXiv
        1503.02531.
    """

    formula = "(1 - share) * loss + share * T ** 2 * KL(softmax(teacher / T) || softmax(outputs / T))"
    source = "Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv 1503.02531"
    use_when = "a larger network or an ensemble is there already, and a small one is to be handed over"
    avoid_when = "the teacher was trained with label smoothing, or is hardly better than the student"
    grade = "A"
    share: float = knob(0.5, low=0.1, high=0.95, neutral=0.0, maximum=1.0)
    temperature: float = knob(3.0, low=1.0, high=20.0, log=True, minimum=1e-2)

    def needs(self) -> tuple[str, ...]:
        return (TEACHER,)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        if TEACHER not in now.resources:
            fix = 'Bring one: resources={"teacher": a function of the inputs}.'
            raise RecipeError("Distillation needs a teacher; this training has none.", fix=fix, code="WF-R08")
        teacher = now.resources[TEACHER](x).detach()
        loss, seen = loss_of(x, target, now)
        far = weighted_mean(row_distance(teacher, seen.outputs, target.classes, self.temperature), target)
        return loss + self.share * (far - loss), seen


def row_distance(teacher: Tensor, student: Tensor, classes: bool, temperature: Tensor | float) -> Tensor:
    """(batch,) T ** 2 * KL(teacher at T || student at T), or the squared error of numbers."""
    if not classes:
        return row_divergence(teacher, student, classes)
    return temperature * temperature * row_divergence(teacher / temperature, student / temperature, classes)


class SelfDistillation(Regularizer):
    """Agree with the average of one's own past: loss + strength * mean KL(average's answer || own answer).

    The teacher is a moving average of the weights: average <- d * average + (1 - d) * w, d = min(decay, 1 - 1 /
    (step + 1)), run in evaluation mode on the same rows; for numbers the squared difference stands for KL. The student
    is handed over (add EMA to hand over an average). It costs a forward pass a step.

    Args:
        strength: of the divergence, 0 (neutral) and up; 0.1 to 10 is usual.
        decay: share of the average kept each step, 0 to below 1; 0.99 to 0.999 is usual.

    Shapes:
        outputs of teacher and student: (batch, classes) or (batch, outputs).

    Example:
        >>> SelfDistillation(decay=0.9).decay_at(1).item(), round(SelfDistillation(decay=0.9).decay_at(99).item(), 6)
        (0.5, 0.9)

    Source:
        Tarvainen & Valpola, Mean Teachers Are Better Role Models, NeurIPS 2017, arXiv 1703.01780 (with the squared
        difference of probabilities in place of KL).
    """

    formula = "loss + strength * mean(KL(softmax(f(x; average)) || softmax(f(x; w))))"
    source = "Tarvainen & Valpola, Mean Teachers Are Better Role Models, NeurIPS 2017, arXiv 1703.01780"
    use_when = "noisy labels, and dropout or noise makes the student differ from its average"
    avoid_when = "training is shorter than a few times 1 / (1 - decay) steps"
    grade = "B-"
    touches = "all"
    strength: float = knob(1.0, low=0.05, high=10.0, log=True, neutral=0.0)
    decay: float = knob(0.99, low=0.9, high=0.9995, maximum=0.999999)
    average: Mapping[str, Tensor] | None = memory()

    def decay_at(self, step: Tensor | int) -> Tensor:
        # in float64: 1 - d counts, and d is near 1
        steps = torch.as_tensor(step, dtype=torch.float64)
        return torch.minimum(1.0 - 1.0 / (steps + 1.0), torch.as_tensor(self.decay, dtype=torch.float64))

    def start(self, weights: Params) -> Self:
        return self.remember(average={n: w.clone() for n, w in weights.items()})

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        loss, seen = loss_of(x, target, now)
        teacher = now.predict(self.average, x).detach()
        return loss + self.strength * weighted_mean(row_divergence(teacher, seen.outputs, target.classes), target), seen

    def after_step(self, weights: Params, now: Now) -> Self:
        d = self.decay_at(now.step)
        return self.remember(average={n: _moved(self.average[n], w, d) for n, w in weights.items()})


def _moved(average: Tensor, w: Tensor, d: Tensor) -> Tensor:
    if not w.is_floating_point():  # a count of batches
        return w
    return d.to(w.dtype) * average + (1.0 - d).to(w.dtype) * w
