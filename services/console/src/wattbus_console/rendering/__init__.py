"""From views to what the terminal shows."""
