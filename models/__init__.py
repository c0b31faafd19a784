"""Expression recognition: networks and training (torch), weights and inference (torch-free)."""
