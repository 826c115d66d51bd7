"""Writes what happens on the bus to CSV, text, plots and reports."""
