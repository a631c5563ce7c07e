"""`python -m runner`. Knows only where the command line begins."""

from runner.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
