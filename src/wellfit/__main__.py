"""``python -m wellfit`` is the command ``wellfit``."""

from wellfit.cli import main

if __name__ == "__main__":
    main()
