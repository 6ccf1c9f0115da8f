"""Reading the files from which customers are imported."""
