"""The agent of a search that names none: models of the objectives and limits, and moves that earn their share."""
