"""Polls charging stations, publishes what they say and applies the limits it accepts."""

__version__ = "0.1.0"
