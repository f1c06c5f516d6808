"""Searching: what to try, how long, and which to keep."""
