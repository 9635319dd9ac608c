"""Learning from 360° video with spatial audio: audio-visual spatial alignment and its family."""
