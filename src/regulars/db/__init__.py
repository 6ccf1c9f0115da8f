"""The databases: the interface `Database` for SQLite and PostgreSQL, the schema and its migrations."""
