"""What tests let the small model say where the same words must come again, whichever host writes them and in however many attempts."""

REFRAIN = "Say this again: " + 12 * "The quick brown fox jumps over the lazy dog. "
SURE = {"temperature": 0, "repeat_penalty": 1}
"""The options to ask with. The model then is sure of each of its first 90 tokens by a factor of four, where in a story it is a
matter of 1 %: the last digits, in which reading words differs from having written them, cannot change one. Ollama's own
`repeat_penalty` of 1.1 would take that away.
"""
