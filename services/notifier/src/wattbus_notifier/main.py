"""Entry point of the notifier."""


def main() -> int:
    """Run the service."""
    return 0
