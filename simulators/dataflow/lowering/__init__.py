"""From a network to the arrays that the compiled model walks: graphs of kernels, parts that repeat, passes of a run."""
