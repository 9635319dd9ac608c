"""From a sound field to loudspeakers: layouts, panning, decoders and what they do to directions."""
