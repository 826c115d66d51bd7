"""Decides when each car charges and says why."""
