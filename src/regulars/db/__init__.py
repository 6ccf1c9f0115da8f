"""The databases: one `Database` before SQLite and PostgreSQL, the schema and its migrations."""
