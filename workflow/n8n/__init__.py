"""n8n's workflow document: read any of its forms, keep all of it, say what of it runs."""
