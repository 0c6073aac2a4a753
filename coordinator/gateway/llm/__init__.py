"""The doors for clients of language models: OpenAI's, Ollama's and Anthropic's protocols in front of tasks (docs/adr/0017).

What they share is here. A door itself is a handful of pure functions: its request to a `Job`, what comes of it to its own bytes
(`wording.Wording`), a HiveError to its own form (`dialects.Dialect`).
"""
