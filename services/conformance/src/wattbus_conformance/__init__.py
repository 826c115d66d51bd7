"""The conformance suite: any scheduler against a scripted bridge on a real broker."""
