"""Token numbers that stand for no word."""

NO_WORDS = 1
"""Up to here: 0 is padding, 1 what training did not know."""
