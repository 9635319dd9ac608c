"""Adapters that come with the kit: ours, and two of other libraries, each also read as if its convention were ours."""
