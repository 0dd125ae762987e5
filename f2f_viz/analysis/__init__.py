"""What is found out about a coded layer: costs, rivals, sweeps."""
