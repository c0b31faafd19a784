"""Video clips of faces: where they come from, how frames are taken from them, and a synthetic set. Torch-free."""
