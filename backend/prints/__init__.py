"""交付: a draw for people: lists, notices and calendars (the extra `print`; decision 0021)."""
