"""What the simulator is compared with."""
