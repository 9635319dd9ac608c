"""Where a model sees what it hears, without having been told any place."""
