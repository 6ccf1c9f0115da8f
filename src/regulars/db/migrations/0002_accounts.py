"""Invitations, verified e-mail addresses, disabled users, revoked keys, and the queue of outgoing mail.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    change_users()
    create_invitations()
    create_email_changes()
    create_outgoing_mail()
    op.add_column("audit_events", sa.Column("about_tenant_id", Id, nullable=True))
    op.create_index("ix_audit_events_about_tenant_id_id", "audit_events", ["about_tenant_id", "id"])
    op.add_column("signing_keys", sa.Column("replaced_at", Time, nullable=True))
    op.add_column("signing_keys", sa.Column("revoked_at", Time, nullable=True))
    # The columns are compared with times, and no two keys have the same one.
    op.execute(
        "UPDATE signing_keys SET replaced_at = (SELECT min(newer.created_at) FROM signing_keys AS newer"
        " WHERE newer.created_at > signing_keys.created_at)"
    )


def change_users() -> None:
    """Let only verified addresses be unique. Nobody has verified one yet: the operator or its owner does."""
    with op.batch_alter_table("users") as users:
        users.drop_constraint("uq_users_email", type_="unique")
        users.add_column(sa.Column("email_verified_at", Time, nullable=True))
        users.add_column(sa.Column("disabled_at", Time, nullable=True))
        users.add_column(sa.Column("deleted_at", Time, nullable=True))
    op.create_index("ix_users_email", "users", ["email"])
    is_verified = sa.text("email_verified_at IS NOT NULL")
    op.create_index(
        "ix_users_verified_email",
        "users",
        ["email"],
        unique=True,
        sqlite_where=is_verified,
        postgresql_where=is_verified,
    )


def create_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", Key, nullable=False),
        sa.Column("inviting_tenant_id", Id, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("mailed_digest", Key, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("invited_by", Id, nullable=True),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("sent_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name=op.f("ck_invitations_role")),
        sa.CheckConstraint(
            "status IN ('pending', 'accepted', 'declined', 'revoked')", name=op.f("ck_invitations_status")
        ),
        sa.ForeignKeyConstraint(["inviting_tenant_id"], ["tenants.id"], name="fk_invitations_inviting_tenant_id"),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name="fk_invitations_invited_by"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invitations_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
        sa.UniqueConstraint("mailed_digest", name="uq_invitations_mailed_digest"),
    )
    op.create_index("ix_invitations_inviting_tenant_id_id", "invitations", ["inviting_tenant_id", "id"])
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])


def create_email_changes() -> None:
    op.create_table(
        "email_changes",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("new_email", sa.Text(), nullable=False),
        sa.Column("old_confirmed_at", Time, nullable=True),
        sa.Column("new_confirmed_at", Time, nullable=True),
        sa.Column("expires_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_changes_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_email_changes"),
    )
    op.create_index("ix_email_changes_expires_at", "email_changes", ["expires_at"])


def create_outgoing_mail() -> None:
    op.create_table(
        "outgoing_mail",
        sa.Column("id", Key, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Time, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_mail"),
    )
    op.create_index("ix_outgoing_mail_next_attempt_at", "outgoing_mail", ["next_attempt_at"])
