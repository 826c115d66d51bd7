"""A simulated household with cars and charging stations behind a REST interface."""
