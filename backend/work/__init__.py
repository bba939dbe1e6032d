"""DOES: one function per use case: load, decide, store."""
