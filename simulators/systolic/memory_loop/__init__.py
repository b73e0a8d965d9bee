"""A modelled memory in the loop of a systolic design, in place of a constant bandwidth."""
