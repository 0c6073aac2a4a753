"""Nodes of npm packages: which are installed, and the processes of Node.js that run them (docs/adr/0045)."""
