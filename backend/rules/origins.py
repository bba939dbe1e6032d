"""入户频次: which visits a year's number of them counts, and which it does not bind."""

from sync.origins import Origin

# What the rules on a year's number of visits leave out: a complaint must be looked into and an
# order must be followed up, however often somebody was there (国办发〔2024〕54号).
UNCAPPED = frozenset[Origin](("complaint", "recheck"))
UNCOUNTED = frozenset[Origin](("guidance",))  # nobody is inspected
