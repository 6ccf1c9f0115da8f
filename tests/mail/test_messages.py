"""The texts of messages, in both languages."""

import re

import pytest

from regulars.mail.messages import render
from regulars.settings import Settings

SETTINGS = Settings(public_url="https://customers.example.com")
LINK = {"link": "https://customers.example.com/go?token=x&y=1"}
INVITATION = {**LINK, "inviter_name": "Ayşe", "tenant_name": "Güneş & Ay", "role": "agent", "expires_at": "2026-12-03"}
VALUES: dict[str, dict[str, str]] = {
    "invitation": INVITATION,
    "recovery": LINK,
    "verify_address": LINK,
    "confirm_new_address": {**LINK, "old_address": "old@example.com", "new_address": "ali@example.com"},
    "confirm_old_address": {**LINK, "new_address": "new@example.com"},
    "address_changed": {"new_address": "new@example.com"},
    "password_changed": {},
    "test": {},
}


@pytest.mark.parametrize("template", VALUES)
def test_each_message_has_one_link_at_most_and_names_the_service(template: str) -> None:
    values = VALUES[template]
    for language in ("en", "tr"):
        mail = render(SETTINGS, template, "ali@example.com", language, **values)
        assert mail.recipient == "ali@example.com"
        assert mail.subject
        assert "\n" not in mail.subject
        assert "customers.example.com" in mail.text.splitlines()[-1]
        assert f'<html lang="{language}">' in mail.html
        assert re.findall(r"https?://\S+", mail.text) == list(values.get("link", "").split())
        assert mail.html.count("href=") == len(values.get("link", "").split())
        assert "src=" not in mail.html, "no images of other hosts"


@pytest.mark.parametrize("template", VALUES)
def test_each_message_is_translated(template: str) -> None:
    english, turkish = (
        render(SETTINGS, template, "ali@example.com", lang, **VALUES[template]) for lang in ("en", "tr")
    )
    assert english.subject != turkish.subject
    link = VALUES[template].get("link")
    same = set(english.text.splitlines()) & set(turkish.text.splitlines()) - {"", "-- ", link}
    assert same == set()


def test_an_invitation_says_who_invites_to_what() -> None:
    mail = render(SETTINGS, "invitation", "ali@example.com", "en", **INVITATION)
    assert mail.subject == "Invitation to Güneş & Ay"
    assert mail.text == (
        "Ayşe invites you to Güneş & Ay in Regulars, a customer directory. Your role: agent.\n"
        "\n"
        "Open the invitation:\n"
        "https://customers.example.com/go?token=x&y=1\n"
        "\n"
        "The link is valid until 2026-12-03.\n"
        "\n"
        "If you did not expect this invitation, you can ignore this message. Nothing happens unless you accept.\n"
        "\n"
        "-- \n"
        "Sent automatically by Regulars at customers.example.com.\n"
    )
    assert "Güneş &amp; Ay" in mail.html
    assert 'href="https://customers.example.com/go?token=x&amp;y=1"' in mail.html
    by_operator = render(SETTINGS, "invitation", "ali@example.com", "tr", **INVITATION | {"inviter_name": ""})
    assert by_operator.text.startswith("Müşteri rehberi Regulars'ta Güneş & Ay işletmesine davet edildiniz. Rolünüz: ")


def test_values_cannot_add_html_or_headers() -> None:
    names = {"inviter_name": "<b>Eve</b>", "tenant_name": "Shop\r\nBcc: all@example.com\n<script>"}
    mail = render(SETTINGS, "invitation", "ali@example.com", "en", **INVITATION | names)
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert "<b>" not in mail.html
    assert "<script" not in mail.html
