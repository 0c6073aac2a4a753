"""The workflows that are kept: documents, versions, and what is active."""
