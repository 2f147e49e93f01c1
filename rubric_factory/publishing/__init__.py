"""Dataset versions: rows, splits, fingerprints, card, manifest."""
