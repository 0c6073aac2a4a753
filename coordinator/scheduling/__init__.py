"""Who gets which task, and when: pure."""
