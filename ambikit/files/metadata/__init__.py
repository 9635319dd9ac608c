"""What files say about the space in them: one small parser for each kind of statement, each within bounds."""
