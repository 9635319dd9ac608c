"""The makers of the conformance cases, without any of our own code."""
