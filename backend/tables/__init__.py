"""What is at rest. One word per table, no relationships: a join is written where it is used.

Identifiers are UUIDv7 text made by whoever creates the row (`sync.ids`). Rows never leave the
backend: `wire` says what travels. A `division` is a GB/T 2260 code of 2, 4, 6, 9 or 12 digits
(行政区划代码) or the empty text for the whole country; a code governs every code it is a prefix of.
"""

from backend.tables.base import NAMING
from backend.tables.draws import Draw, Piece, Plan, Task
from backend.tables.ledger import Batch, Device, Entry, Feed, Fork, Head, Invite, Member
from backend.tables.office import Account, Act, Token
from backend.tables.registers import (
    Checklist,
    Department,
    DepartmentFacts,
    Division,
    DivisionFacts,
    Establishment,
    Event,
    Facts,
    Folded,
    Inspector,
    Leave,
    LeaveFacts,
    Licence,
    LicenceFacts,
    Listing,
    ListingFacts,
    Lookalike,
    Recusal,
    Revision,
    Version,
)
from backend.tables.results import Blob, Conclusion, Inspection, Publication, Rectification, Upload

__all__ = [
    "NAMING",
    "Account",
    "Act",
    "Batch",
    "Blob",
    "Checklist",
    "Conclusion",
    "Department",
    "DepartmentFacts",
    "Device",
    "Division",
    "DivisionFacts",
    "Draw",
    "Entry",
    "Establishment",
    "Event",
    "Facts",
    "Feed",
    "Folded",
    "Fork",
    "Head",
    "Inspection",
    "Inspector",
    "Invite",
    "Leave",
    "LeaveFacts",
    "Licence",
    "LicenceFacts",
    "Listing",
    "ListingFacts",
    "Lookalike",
    "Member",
    "Piece",
    "Plan",
    "Publication",
    "Rectification",
    "Recusal",
    "Revision",
    "Task",
    "Token",
    "Upload",
    "Version",
]
