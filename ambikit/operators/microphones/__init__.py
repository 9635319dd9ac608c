"""From microphone arrays to a sound field: their geometry, what they hear, filters, and how exact these are."""
