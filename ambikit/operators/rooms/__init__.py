"""Rooms: where reflections come from, what they sound like in Ambisonics, and how long they last."""
