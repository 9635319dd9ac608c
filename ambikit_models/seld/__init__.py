"""Sound event localisation and detection: labels, targets, scores, augmentation, a network and scenes to try it on."""
