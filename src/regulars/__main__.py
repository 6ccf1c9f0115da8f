"""The `regulars` command."""

import sys


def main() -> None:
    """Run the command line and exit with its status (see `regulars --help`)."""
    from regulars.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
