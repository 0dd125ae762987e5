"""The .f2f file of a layer and of a model, and how files are written."""
