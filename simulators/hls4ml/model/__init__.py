"""What the layers of a circuit cost, and when each is done, as formulas over the knobs."""
