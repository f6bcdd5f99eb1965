"""`python -m poroscale`."""

from poroscale.cli import main

if __name__ == "__main__":
    main()
