"""The language of Hive and the way to speak it: the only room that every other room may import."""
