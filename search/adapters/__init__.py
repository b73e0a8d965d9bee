"""A problem in the form that other libraries' own optimisers take, and an agent as one of them."""
