"""Announces the site and its stations to Home Assistant, which then reads the bus itself."""
