"""Ollama's native API: /api/chat, /api/generate, /api/embed, and what tells of its models."""
