"""A search that reads what binds a design and turns the knobs that loosen it."""
