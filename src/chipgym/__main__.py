"""`python -m chipgym` is the `chipgym` command."""

from .cli import main

if __name__ == "__main__":
    main()
