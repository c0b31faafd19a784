"""Torch-free inference (placeholder while training starts)."""
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
