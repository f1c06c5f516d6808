"""The table of hostile names: texts of the data that would like to be code."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine

HOSTILE = (
    '"); __import__("os").abort() #',
    "'''\"\"\"\\",
    "a #? others",
    "{0} NETWORK TERMS OPTIMIZER",
    "\\N{DIGIT ONE}\\u2028",
)
"""Names that end a string, a comment or a template where they are pasted into code."""

CLASSES = ("bar\"olo'", 'gri\\gno"""', "__import__('os').abort()")


def wine() -> pd.DataFrame:
    """Wine under hostile names, with gaps, a category of two values, one of twelve, and dates."""
    frame = load_wine(as_frame=True).frame
    draw = np.random.default_rng(0)
    frame = frame.rename(columns=dict(zip(frame.columns[:2], HOSTILE[:2], strict=True)))
    frame[HOSTILE[2]] = np.where(frame["hue"] > 1, HOSTILE[0], HOSTILE[1])
    frame[HOSTILE[3]] = [f"town \u00e9'{n}" for n in draw.integers(0, 12, len(frame))]
    frame[HOSTILE[4]] = pd.date_range("2020-01-01", periods=len(frame)).strftime("%Y-%m-%d")
    frame.loc[::17, "ash"] = np.nan
    frame["target"] = [CLASSES[c] for c in frame["target"]]
    return frame
