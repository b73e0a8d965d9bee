"""A network, lowered to the tables that the systolic model runs."""
