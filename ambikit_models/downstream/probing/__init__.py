"""What every task stands on: who is examined, on what, how it is learned, counted, compared and told."""
