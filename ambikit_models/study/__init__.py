"""Studies on the synthetic world: render, train variants side by side, evaluate, and show the result."""
