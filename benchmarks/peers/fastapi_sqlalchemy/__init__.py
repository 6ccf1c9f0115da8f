"""The customer list as the documentation of FastAPI, SQLAlchemy and Pydantic would have it written."""
