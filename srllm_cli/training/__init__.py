"""From pairs to an adapter. The only room beside evaluation and conversion that loads torch."""
