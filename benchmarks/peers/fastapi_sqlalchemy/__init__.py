"""The customer list written as the documentation of FastAPI, SQLAlchemy and Pydantic recommends."""
