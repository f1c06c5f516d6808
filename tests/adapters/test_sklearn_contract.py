"""scikit-learn's own checks of an estimator, all of them: none fails, none is skipped, none is expected to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from sklearn.utils import get_tags

from wellfit.sklearn import WellfitClassifier, WellfitRegressor

CODE = """
import json, sys, warnings
import torch
torch.set_num_threads(1)
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
import wellfit.sklearn
found = check_estimator(getattr(wellfit.sklearn, sys.argv[1])(), on_fail=None, on_skip=None)
print(json.dumps([[f["check_name"], f["status"], repr(f["exception"])] for f in found]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["WellfitClassifier", "WellfitRegressor"])
def test_check_estimator_passes_in_full(name):
    """In a process of its own: the check of array interfaces runs only where SCIPY_ARRAY_API was set from the start."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    run = subprocess.run([sys.executable, "-c", CODE, name], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert len(found) >= 50
    assert [f for f in found if f[1] != "passed"] == []


@pytest.mark.parametrize("kind", [WellfitClassifier, WellfitRegressor])
def test_no_tag_switches_a_check_off(kind):
    tags = get_tags(kind())
    assert tags.requires_fit and not tags._skip_test and not tags.no_validation and not tags.non_deterministic
    assert not (tags.input_tags.allow_nan or tags.input_tags.string or tags.input_tags.pairwise)
    of_task = tags.classifier_tags or tags.regressor_tags
    assert not of_task.poor_score
    if tags.classifier_tags:
        assert tags.classifier_tags.multi_class
    assert get_tags(kind(budget="60s")).input_tags.allow_nan  # the whole job codes missing cells
