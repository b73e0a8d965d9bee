"""From a network to the layers of its circuit, and the reuse factors that each can have."""
