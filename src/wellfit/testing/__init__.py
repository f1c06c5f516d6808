"""What a regularizer of your own can be held against: ``check_regularizer(MyRegularizer)``."""

from wellfit.testing.contracts import CHECKS, check_regularizer
from wellfit.testing.outcome import ContractBroken

__all__ = ["CHECKS", "ContractBroken", "check_regularizer"]
