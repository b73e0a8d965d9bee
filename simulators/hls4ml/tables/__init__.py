"""The model's constants."""
