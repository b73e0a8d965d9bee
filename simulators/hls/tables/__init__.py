"""The tools' constants."""
