"""Drivers: one module for each kind of charging station, behind one small protocol."""
