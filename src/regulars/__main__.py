"""The `regulars` command."""

import sys


def main() -> None:
    """Run the command line; the exit status says how it went (see `regulars --help`)."""
    from regulars.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
