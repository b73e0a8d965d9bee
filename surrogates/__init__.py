"""Cost models that learn a simulator and stand in for it.

The room is empty for now: what goes in it is a scikit-learn-style estimator over (design, workload).
"""
