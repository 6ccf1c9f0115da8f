"""The bodies that say what a channel is to be."""

from typing import get_args

from regulars.http.json_body import choice_field, text_field
from regulars.tenants.channels import ChannelKind
from regulars.validation import LONGEST_NAME, read_name

NAME = text_field("name", "What people call it.", "WhatsApp", read_name, at_most=LONGEST_NAME, required=True)
KIND = choice_field("kind", "What it is; it stays so.", "whatsapp", options=get_args(ChannelKind), required=True)
NEW_CHANNEL = (KIND, NAME)
