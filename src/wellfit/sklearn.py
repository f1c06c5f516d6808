"""scikit-learn estimators: ``from wellfit.sklearn import WellfitClassifier, WellfitRegressor``."""

from __future__ import annotations

from wellfit.adapters.sklearn_estimators import WellfitClassifier, WellfitRegressor

__all__ = ["WellfitClassifier", "WellfitRegressor"]
