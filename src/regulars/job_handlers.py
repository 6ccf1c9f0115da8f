"""What each kind of job does."""

from regulars.customers.bulk.run import change_customers, undo_bulk_change
from regulars.customers.exports.job import export
from regulars.customers.imports.detect import detect
from regulars.customers.imports.preview import preview
from regulars.customers.imports.run import run_import
from regulars.customers.imports.undo import undo
from regulars.customers.write.empty_trash import empty_trash_job
from regulars.jobs.worker import Handlers

HANDLERS: Handlers = {
    "detect": detect,
    "preview": preview,
    "import": run_import,
    "undo": undo,
    "export": export,
    "empty_trash": empty_trash_job,
    "bulk_change": change_customers,
    "undo_bulk_change": undo_bulk_change,
}
