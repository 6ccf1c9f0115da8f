"""Flash messages: text that the next page shows once, such as a new secret.

After a form, the server redirects, so that reloading the next page does not send the form again. The text is stored
encrypted for five minutes. A cookie contains the token that gives access to it.
"""

import falcon

from regulars.accounts.one_time_tokens import create_one_time_token, take_one_time_token
from regulars.accounts.users import User
from regulars.console.pages import Pages

FLASH_SECONDS = 300


def redirect_with_flash(pages: Pages, response: falcon.Response, user: User, path: str, text: str) -> None:
    """Redirect to the page at `path`, and store `text` so that the page can show it once (see `take_flash`)."""
    token = create_one_time_token(
        pages.database, pages.settings, _purpose(user, path), text.encode(), user_id=user.id, seconds=FLASH_SECONDS
    )
    pages.set_step(response, token, FLASH_SECONDS)
    pages.redirect(response, path)


def take_flash(pages: Pages, request: falcon.Request, response: falcon.Response, user: User) -> str:
    """Return the text stored for the requested page and delete it; an empty string if there is none."""
    purpose = _purpose(user, request.path.removeprefix(pages.root))
    found = take_one_time_token(pages.database, pages.settings, purpose, pages.step(request))
    if found is None:
        return ""
    pages.set_step(response, "", 0)
    return found[1].decode()


def _purpose(user: User, path: str) -> str:
    # The token is bound to user and page: a request of another user or page cannot consume it.
    return f"flash {user.id} {path}"
