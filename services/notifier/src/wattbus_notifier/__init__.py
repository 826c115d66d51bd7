"""Tells people what happened, through any service that Apprise knows."""
