"""Custom elements: each a small Vue component, composed in Python by the pages."""
