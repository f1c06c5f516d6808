"""What the bank showed of the order of verdicts."""

from __future__ import annotations

from wellfit.diagnosis import Finding
from wellfit.diagnosis.verdict import primary


def test_a_class_that_is_harder_than_others_is_no_illness_by_itself():
    uneven = Finding("class-gap", "finding", "accuracy on class 3 lies 0.20 below that on the other classes")
    assert primary([uneven]).name == "healthy"
    gap = Finding("benign-gap", "finding", "a gap that no change lowers", confirmed=True)
    assert primary([uneven, gap]) is gap
    sure = Finding("class-gap", "finding", "weights that let every class count the same help", confirmed=True)
    assert primary([sure, gap]) is sure
