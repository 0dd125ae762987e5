"""The analyzer: controls, background runner, layout, and the servers that show it. No maths."""
