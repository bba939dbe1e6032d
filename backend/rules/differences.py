"""不符: how a step of a verification says that its claim does not hold, in both languages."""


class Differs(Exception):
    """The first difference."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class Unproved(Differs):
    """Not a difference: this cannot be proved from these files."""
