"""The real parts that tests run against, each on free ports in a temporary folder, ended with the test session."""
