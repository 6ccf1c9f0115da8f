"""`regulars secret …`"""

import sys

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line

app = typer.Typer(help="The secret key.", no_args_is_help=True)


@app.callback()
def secret() -> None:
    """The secret key, which encrypts signing keys and second factors."""


@app.command("rotate")
def rotate(database: DatabaseOption = None) -> None:
    """Change the secret key: encrypt what is stored with the new key. The old key is accepted until you remove it.

    The key file of an SQLite database gets the new key. Otherwise, first set REGULARS_SECRET_KEY to the new key and
    REGULARS_OLD_SECRET_KEY to the present one, and restart all servers.
    """
    from regulars.secret_rotation import rotate_secret_key

    with opened(database) as (db, settings):
        done = rotate_secret_key(db, settings)
    if done.key_file is not None:
        print_line(
            f"The first line of {done.key_file} is a new secret key. The older keys below it are still accepted."
        )
    print_line(
        f"Encrypted with the new key: {done.signing_keys} signing keys, {done.totp_secrets} secrets of authenticator"
        " apps."
    )
    if done.unreadable:
        sys.stderr.write(
            f"regulars: None of the keys decrypts {done.unreadable} of the stored values. They were not changed.\n"
        )
    if done.key_file is not None:
        print_line("Next: restart the server. After 30 days, delete the older keys in the file and restart it again.")
    else:
        print_line("Next: after 30 days, remove REGULARS_OLD_SECRET_KEY and restart the servers.")
