"""Write the output of a command to a file, or to standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from regulars.errors import RegularsError


@contextmanager
def writing(output: Path | None) -> Iterator[BinaryIO]:
    """Yield standard output, or the file `output` for writing. Raise `RegularsError` if it cannot be written.

    A regular file is written under the name `<output>.part` and renamed when it is complete. If writing fails, the part
    is deleted, and an existing file `output` stays.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        # Devices and pipes, such as /dev/null, are written directly.
        part = output.with_name(output.name + ".part") if output.is_file() or not output.exists() else output
        with part.open("wb") as target:
            try:
                yield target
                target.flush()
                if part != output:
                    part.replace(output)
            finally:
                if part != output:
                    part.unlink(missing_ok=True)
    except OSError as error:
        raise RegularsError(f"The file {output} cannot be written: {error.strerror}.") from None
