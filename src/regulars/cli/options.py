"""Options that several commands share."""

from typing import Annotated

import typer

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. [default: sqlite:///regulars.db]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TenantOption = Annotated[
    int, typer.Option("--tenant", metavar="ID", help="The tenant's id; see 'regulars tenant list'.")
]
AllTenantsOption = Annotated[
    int | None, typer.Option("--tenant", metavar="ID", help="The tenant's id. [default: all tenants]")
]
