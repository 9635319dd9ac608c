"""Sound of two channels that follows the picture: upmixing and separation."""
