"""DECIDES: pure rules without clock, chance or I/O."""
