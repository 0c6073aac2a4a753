"""Workflows on the dashboard: drafts of documents as values, and the pages that show and change them."""
