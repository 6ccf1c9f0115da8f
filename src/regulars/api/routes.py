"""The routes of the API."""

from regulars.api.account import LeaveTenant, OwnAccount, OwnRoles, OwnTenants
from regulars.api.audit import AuditEvents
from regulars.api.bulk_changes import BulkChangeIssues, BulkChanges, OneBulkChange, UndoBulkChange
from regulars.api.channels import ChannelList, OneChannel
from regulars.api.countries import CountryList
from regulars.api.customers.batch import CustomerBatch
from regulars.api.customers.changes import CustomerChanges, CustomerHistory
from regulars.api.customers.collection import CustomerList
from regulars.api.customers.common import CustomerApi
from regulars.api.customers.dismissals import Dismissals, OneDismissal
from regulars.api.customers.duplicates import CheckDuplicates, CustomerDuplicates
from regulars.api.customers.item import EraseCustomer, OneCustomer, RestoreCustomer
from regulars.api.customers.merge import MergeCustomers, UnmergeCustomers
from regulars.api.customers.personal_data import CustomerPersonalData
from regulars.api.customers.statistics import CustomerStatistics
from regulars.api.customers.trash import EmptyTrash
from regulars.api.exports import DownloadExport, Exports, OneExport
from regulars.api.imports.collection import Imports
from regulars.api.imports.issues import ImportErrors, ImportIssues
from regulars.api.imports.item import OneImport, PreviewImport, StartImport, UndoImport
from regulars.api.invitations import Invitations, OneInvitation, ResendInvitation
from regulars.api.jobs import CancelJob, Jobs, OneJob, RetryJob
from regulars.api.tags import OneTag, TagList
from regulars.api.tenants import OneTenant
from regulars.api.users import OneUser, UserList
from regulars.api.views import OneView, ViewList

Routes = list[tuple[str, object]]


def api_routes(api: CustomerApi) -> Routes:
    """Return all paths of the API, with their resources."""
    return [*_customers(api), *_work(api), *_business(api)]


def _customers(api: CustomerApi) -> Routes:
    return [
        ("/api/v1/customers", CustomerList(api)),
        ("/api/v1/customers/batch", CustomerBatch(api)),
        ("/api/v1/customers/empty-trash", EmptyTrash(api)),
        ("/api/v1/customers/duplicates", CustomerDuplicates(api)),
        ("/api/v1/customers/statistics", CustomerStatistics(api)),
        ("/api/v1/customers/duplicates/check", CheckDuplicates(api)),
        ("/api/v1/customers/duplicates/dismissals", Dismissals(api)),
        ("/api/v1/customers/duplicates/dismissals/{id}", OneDismissal(api)),
        ("/api/v1/customers/changes", CustomerChanges(api)),
        ("/api/v1/customers/{id}", OneCustomer(api)),
        ("/api/v1/customers/{id}/restore", RestoreCustomer(api)),
        ("/api/v1/customers/{id}/erase", EraseCustomer(api)),
        ("/api/v1/customers/{id}/merge", MergeCustomers(api)),
        ("/api/v1/customers/{id}/unmerge", UnmergeCustomers(api)),
        ("/api/v1/customers/{id}/personal-data", CustomerPersonalData(api)),
        ("/api/v1/customers/{id}/history", CustomerHistory(api)),
    ]


def _work(api: CustomerApi) -> Routes:
    return [
        ("/api/v1/imports", Imports(api)),
        ("/api/v1/imports/{id}", OneImport(api)),
        ("/api/v1/imports/{id}/preview", PreviewImport(api)),
        ("/api/v1/imports/{id}/start", StartImport(api)),
        ("/api/v1/imports/{id}/undo", UndoImport(api)),
        ("/api/v1/imports/{id}/issues", ImportIssues(api)),
        ("/api/v1/imports/{id}/errors", ImportErrors(api)),
        ("/api/v1/exports", Exports(api)),
        ("/api/v1/exports/{id}", OneExport(api)),
        ("/api/v1/exports/{id}/download", DownloadExport(api)),
        ("/api/v1/bulk-changes", BulkChanges(api)),
        ("/api/v1/bulk-changes/{id}", OneBulkChange(api)),
        ("/api/v1/bulk-changes/{id}/undo", UndoBulkChange(api)),
        ("/api/v1/bulk-changes/{id}/issues", BulkChangeIssues(api)),
        ("/api/v1/jobs", Jobs(api)),
        ("/api/v1/jobs/{id}", OneJob(api)),
        ("/api/v1/jobs/{id}/cancel", CancelJob(api)),
        ("/api/v1/jobs/{id}/retry", RetryJob(api)),
    ]


def _business(api: CustomerApi) -> Routes:
    return [
        ("/api/v1/tags", TagList(api)),
        ("/api/v1/tags/{id}", OneTag(api)),
        ("/api/v1/views", ViewList(api)),
        ("/api/v1/views/{id}", OneView(api)),
        ("/api/v1/users", UserList(api)),
        ("/api/v1/users/{id}", OneUser(api)),
        ("/api/v1/invitations", Invitations(api)),
        ("/api/v1/invitations/{id}", OneInvitation(api)),
        ("/api/v1/invitations/{id}/resend", ResendInvitation(api)),
        ("/api/v1/audit-events", AuditEvents(api)),
        ("/api/v1/account", OwnAccount(api)),
        ("/api/v1/account/tenants", OwnTenants(api)),
        ("/api/v1/account/tenants/{id}", LeaveTenant(api)),
        ("/api/v1/account/roles", OwnRoles(api)),
        ("/api/v1/tenants/{id}", OneTenant(api)),
        ("/api/v1/channels", ChannelList(api)),
        ("/api/v1/channels/{id}", OneChannel(api)),
        ("/api/v1/countries", CountryList(api)),
    ]
