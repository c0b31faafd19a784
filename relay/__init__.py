"""The relay: viewers' labels in, the audience's mood out."""
