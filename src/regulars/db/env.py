"""Alembic's entry point: runs the migrations on the connection of `regulars.db.migrate`."""

from alembic import context

from regulars.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
