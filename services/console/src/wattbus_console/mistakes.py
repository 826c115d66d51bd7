"""What can go wrong without being a fault of ours: said in one line that tells what to do."""


class Mistake(Exception):  # noqa: N818 - a person's slip or a missing part, not a defect
    """An expected mistake; the console prints the message and ends with status 2."""
