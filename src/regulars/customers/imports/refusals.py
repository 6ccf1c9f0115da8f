"""What users are told about files that are not tables, or that cannot be read."""

from regulars.i18n import _

ARCHIVE = _("The file is a compressed archive. Unpack it and send the file that it contains.")
BINARY_WORKBOOK = _("The file is a binary Excel workbook (.xlsb). Save it as .xlsx.")
DAMAGED = _("The file is damaged. Open it in a spreadsheet program and save it again.")
EMPTY = _("The file is empty.")
IWORK = _("The file is a document of Numbers or Pages. Export it as Excel (.xlsx) or CSV.")
JSON = _("The file is JSON, but not JSON Lines. Each of its lines must be one object.")
NOT_A_TABLE = _("The file is not a table. Use a spreadsheet (.xlsx, .xls, .ods), CSV, vCard or JSON Lines.")
PASSWORD = _("The spreadsheet is protected by a password. Save it without a password.")
PDF = _("The file is a PDF. Export the data as a spreadsheet or as CSV instead.")
PICTURE = _("The file is a picture, not a table.")
PRESENTATION = _("The file is a presentation, not a table.")
TEXT_DOCUMENT = _("The file is a text document, not a table. Copy its table into a spreadsheet and save it as .xlsx.")
TOO_LARGE = _("The spreadsheet takes too much memory or time to read. Save its sheet as CSV.")
WEB_PAGE = _("The file is a web page (HTML). Open it in a spreadsheet program and save it as .xlsx.")
