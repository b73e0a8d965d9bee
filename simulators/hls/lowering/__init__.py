"""What depends on a loop kernel alone, worked out once: its loops, and what they share."""
