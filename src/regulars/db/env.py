"""Alembic's entry: run the migrations on the connection that `regulars.db.migrate` opened."""

from alembic import context

from regulars.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
