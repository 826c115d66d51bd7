"""The dashboard: what every car does and why, and what people wish of it, in a browser."""
