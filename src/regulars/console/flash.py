"""What is shown once, on the page after a form: the page may be loaded again without sending the form again."""

import falcon

from regulars.accounts.one_time_tokens import create_one_time_token, take_one_time_token
from regulars.accounts.users import User
from regulars.console.pages import Pages

SECONDS = 300


def show_once(pages: Pages, response: falcon.Response, user: User, path: str, words: str) -> None:
    """Send the user on to the page at `path`, which may show `words` once, within five minutes; kept encrypted."""
    token = create_one_time_token(
        pages.database, pages.settings, _purpose(user, path), words.encode(), user_id=user.id, seconds=SECONDS
    )
    pages.set_step(response, token, SECONDS)
    pages.go(response, path)


def take_shown_once(pages: Pages, request: falcon.Request, response: falcon.Response, user: User) -> str:
    """The words that wait for the page that is asked for, which are gone then; empty where there are none."""
    purpose = _purpose(user, request.path.removeprefix(pages.root))
    found = take_one_time_token(pages.database, pages.settings, purpose, pages.step(request))
    if found is None:
        return ""
    pages.set_step(response, "", 0)
    return found[1].decode()


def _purpose(user: User, path: str) -> str:
    # Another user, or another page, must not even use the words up.
    return f"show {user.id} at {path}"
