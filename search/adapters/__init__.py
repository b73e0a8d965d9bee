"""A problem in the form that other libraries' own optimisers take."""
