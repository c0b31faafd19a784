"""Micro-expressions: the studies of recognition and spotting (docs/micro.md). Nothing of it is for the agent."""
