"""The servers that show the analyzer, and what keeps them closed, alive and tidy."""
