"""Training: one pure step, and the population that runs many of it at once."""
