"""How far the systolic simulator is from what people trust."""
