"""A tenant whose customers are imported and exported with the command line."""

import csv
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from regulars.accounts.memberships import add_member
from regulars.cli.main import run
from regulars.permissions import Role
from regulars.tenants.tenants import create_tenant
from tests.support.world import World

ERRORS = "customers.csv.errors.csv"


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def summary(self) -> str:
        """The line that says what was imported; empty if there is none."""
        return next((line for line in self.text.splitlines() if line.startswith("Imported ")), "")

    @property
    def undo(self) -> list[str]:
        """The arguments of the command that undoes the import."""
        (line,) = [line for line in self.text.splitlines() if line.startswith("To undo: ")]
        return line.removeprefix("To undo: regulars ").split()


def command(*arguments: object, stdin: bytes = b"") -> CommandResult:
    """Run a command in this process."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
    ):
        status = run([str(argument) for argument in arguments])
    assert isinstance(out.buffer, io.BytesIO)
    return CommandResult(status, out.buffer.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Shop:
    """A tenant without customers, with Alice as owner and Dora as member, and commands on it."""

    world: World
    tenant: int

    @classmethod
    def opened(cls, world: World) -> "Shop":
        tenant = create_tenant(
            world.database, name="Dükkân", time_zone="Europe/Istanbul", locale="tr-TR", country_code="TR"
        )
        add_member(world.database, tenant.id, "alice@example.com", Role.OWNER)
        add_member(world.database, tenant.id, "dora@example.com", Role.AGENT)
        return cls(world, tenant.id)

    def run(self, *arguments: object, stdin: bytes = b"") -> CommandResult:
        """Run a command on the tenant."""
        return command(*arguments, "--tenant", self.tenant, "--database", self.world.url, stdin=stdin)

    def load(self, content: str | bytes, *options: object, file: str = "customers.csv") -> CommandResult:
        """Import a file with this content."""
        Path(file).write_bytes(content.encode() if isinstance(content, str) else content)
        return self.run("import", file, *options)

    def export(self, *options: object) -> CommandResult:
        return self.run("export", *options)

    def exported(self) -> bytes:
        done = self.export()
        assert (done.status, done.stderr) == (0, "")
        return done.stdout

    def customers(self) -> list[dict[str, str]]:
        """Export the customers; return each row as a mapping from column to value."""
        return list(csv.DictReader(io.StringIO(self.exported().decode(), newline="")))

    def names(self) -> list[str]:
        """Return the first names of all customers, by id."""
        return [row["first_name"] for row in self.customers()]


def refused(file: str = ERRORS, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of an error file as mappings from column to value, with the reasons as `Reason`."""
    text = Path(file).read_text("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=delimiter))


def reasons(file: str = ERRORS, delimiter: str = ",") -> list[str]:
    """Return the reasons in an error file."""
    return [row["Reason"] for row in refused(file, delimiter)]


def as_csv(rows: Sequence[Sequence[str]], **how: str) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=how.get("delimiter", ","), lineterminator=how.get("lineterminator", "\n")).writerows(
        rows
    )
    return text.getvalue()


def check_import(shop: Shop, done: CommandResult) -> None:
    """Assert that an import ended with a valid status, and that the imported customers exist."""
    assert done.status in {0, 1, 3}, done.stderr
    assert "Traceback" not in done.stderr
    found = len(shop.customers())
    if done.status == 1 and done.summary == "":
        assert done.stderr.startswith("regulars: ")
        assert done.stderr.count("\n") == 1
    else:
        assert done.stderr == ""
        assert done.summary.startswith(f"Imported {found} row" if found else "Imported nothing.")
    assert found == 0 or done.status != 1
