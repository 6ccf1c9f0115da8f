"""The words for imports, exports and other jobs: targets of columns, formats, states, and ways to match customers."""

from collections.abc import Mapping

from regulars.customers.imports.headings import FULL_NAME, MIDDLE_NAME, REVERSED_NAME
from regulars.i18n import _

TARGET_GROUPS: Mapping[str, Mapping[str, str]] = {
    _("Name"): {
        FULL_NAME: _("First and last name"),
        REVERSED_NAME: _("Last and first name"),
        "first_name": _("First name"),
        MIDDLE_NAME: _("Second first name"),
        "last_name": _("Last name"),
    },
    _("Contact"): {"phone_number": _("Phone"), "email": _("E-mail")},
    _("Person"): {
        "date_of_birth": _("Date of birth"),
        "gender": _("Gender"),
        "identity_number": _("Identity number"),
        "job": _("Job"),
        "avatar_url": _("Address of a picture"),
    },
    _("Address"): {
        "address": _("Address"),
        "address_street": _("Street"),
        "address_postal_code": _("Postal code"),
        "address_city": _("City"),
        "address_region": _("Region"),
        "country_name": _("Country"),
        "country_code": _("Country code"),
    },
    _("Business"): {
        "tags": _("Tags"),
        "default_channel_id": _("Number of the channel"),
        "related_user": _("Assigned to (name)"),
        "user_email": _("Assigned to (e-mail)"),
    },
    _("From an export"): {
        "id": _("Customer number"),
        "phone_number_as_typed": _("Phone as typed"),
        "created_at": _("Added"),
        "updated_at": _("Changed"),
        "deleted_at": _("Moved to the trash"),
    },
}
"""What a column of a file may be imported as, in groups, and what a column of an exported file has."""
TARGETS: Mapping[str, str] = {name: words for group in TARGET_GROUPS.values() for name, words in group.items()}
RECOGNISED_BY: Mapping[str | None, str] = {
    "heading": _("Recognised by the heading"),
    "values": _("Recognised by the values"),
    "earlier import": _("As in your earlier import"),
    None: _("Your choice"),
}
FORMATS: Mapping[str, str] = {
    "csv": "CSV",
    "xlsx": "Excel",
    "xls": "Excel 97",
    "ods": "OpenDocument",
    "vcard": "vCard",
    "jsonl": "JSON Lines",
}
EXPORT_FORMATS: Mapping[str, tuple[str, str]] = {
    "xlsx": (_("Excel"), _("For Excel, Numbers, Google Sheets and LibreOffice.")),
    "csv": (_("CSV"), _("For nearly every other program.")),
    "vcard": (_("vCard"), _("For the contacts of a phone or an e-mail program.")),
    "jsonl": (_("JSON Lines"), _("For programmers.")),
}
ENCODINGS: Mapping[str, str] = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "windows-1254": _("Turkish (Windows-1254)"),
    "iso-8859-9": _("Turkish (ISO 8859-9)"),
    "windows-1252": _("Western European (Windows-1252)"),
    "windows-1250": _("Central European (Windows-1250)"),
}
DELIMITERS: Mapping[str, str] = {",": _("Comma"), ";": _("Semicolon"), "\t": _("Tab"), "|": "|"}
DATE_ORDERS: Mapping[str, str] = {
    "dmy": _("day, month, year"),
    "mdy": _("month, day, year"),
    "ymd": _("year, month, day"),
}
MATCH_BY: Mapping[str, tuple[str, str]] = {
    "email": (_("By e-mail"), _("The same e-mail address is the same customer.")),
    "phone_number": (
        _("By phone"),
        _("The same number is the same customer. Not for families that share a phone."),
    ),
    "identity_number": (_("By identity number"), _("The same identity number is the same customer.")),
    "id": (_("By customer number"), _("For files that were exported from here.")),
    "none": (_("Do not compare"), _("Every row becomes a new customer.")),
}
ON_MATCH: Mapping[str, tuple[str, str]] = {
    "fill": (_("Fill empty fields"), _("Existing values stay. Only what is missing is added, and tags.")),
    "overwrite": (_("Overwrite"), _("The values of the file replace those of the customer.")),
    "skip": (_("Skip the row"), _("The customer stays as it is.")),
    "create": (_("Add anyway"), _("The row becomes another customer.")),
}
STATES: Mapping[str, tuple[str, str]] = {
    "detecting": (_("Being examined"), "blue"),
    "unreadable": (_("Cannot be read"), "rose"),
    "ready": (_("Not started"), "amber"),
    "previewing": (_("Being checked"), "blue"),
    "importing": (_("Importing"), "blue"),
    "imported": (_("Imported"), "teal"),
    "failed": (_("Failed"), "rose"),
    "cancelled": (_("Cancelled"), "amber"),
    "undoing": (_("Being undone"), "blue"),
    "undone": (_("Undone"), "grey"),
}
"""The words for the state of an import, and the colour of its tag."""
JOB_STATES: Mapping[str, tuple[str, str]] = {
    "queued": (_("Waiting"), "blue"),
    "running": (_("Running"), "blue"),
    "completed": (_("Done"), "teal"),
    "failed": (_("Failed"), "rose"),
    "cancelled": (_("Cancelled"), "amber"),
}
JOB_KINDS: Mapping[str, str] = {
    "empty_trash": _("Empty the trash"),
    "bulk_change": _("Change of many customers"),
    "undo_bulk_change": _("Undo of a change of many customers"),
}
"""The jobs that are neither part of an import nor an export."""
ACTIONS: Mapping[str, tuple[str, str]] = {
    "created": (_("New"), "teal"),
    "updated": (_("Changed"), "blue"),
    "unchanged": (_("Same as before"), "grey"),
    "skipped": (_("Skipped"), "amber"),
    "refused": (_("Not imported"), "rose"),
}
"""What happens with a row, and the colour of its tag."""
