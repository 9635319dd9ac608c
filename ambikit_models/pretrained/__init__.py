"""Trained models that come with the package: weights, recipe and a card in a folder each."""
