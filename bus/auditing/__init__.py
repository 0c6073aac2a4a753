"""The audit log's writing end: what is a change, what is told of it, and that it is on disk before anything is changed."""
