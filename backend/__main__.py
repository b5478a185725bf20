"""`python -m backend ...`: the command line. See `docs/cli.md`."""

from backend.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
