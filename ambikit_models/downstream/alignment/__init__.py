"""The questions of the training itself, asked of clips that no training has seen."""
