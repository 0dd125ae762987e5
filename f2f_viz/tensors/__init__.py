"""What comes in: layers of model files, pruning, number formats."""
