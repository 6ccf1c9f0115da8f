"""What a name that people read must be: a user's, a tenant's, a channel's."""

LONGEST_NAME = 255


def read_name(text: str, at_most: int = LONGEST_NAME) -> str:
    """The name, without spaces around it. Raises ValueError with the rest of a sentence that begins with its field."""
    name = text.strip()
    if not 1 <= len(name) <= at_most or not name.isprintable():
        raise ValueError(f"must have 1 to {at_most} characters that can be printed")
    return name
