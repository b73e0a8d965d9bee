"""What the simulator is compared with and fitted on, and an exact baseline for searches."""
