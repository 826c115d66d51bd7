"""Keeps meter values and events on disk until the logger has confirmed them."""
