"""Collections of recordings: what is in them, clips made of them, and shards made of the clips."""
