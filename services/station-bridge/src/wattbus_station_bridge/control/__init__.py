"""The rules of safe control, as pure decisions over data and an injected monotonic clock."""
