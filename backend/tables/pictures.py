"""照片: what is looked for of pictures, and what is hidden in those that are published."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Picture(SQLModel, table=True):
    """照片指纹: what a picture shows, as 64 bits, and these in four parts to look for it by.

    Of two that show the same, one part at least is nearly always alike.
    """

    sha256: str = Field(primary_key=True, max_length=64)
    hash: str = Field(max_length=16)  # hex
    part_1: int = Field(index=True)
    part_2: int = Field(index=True)
    part_3: int = Field(index=True)
    part_4: int = Field(index=True)


class Exhibit(SQLModel, table=True):
    """证据引用: that an inspection names a file, whether it has arrived or not."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    sha256: str = Field(primary_key=True, max_length=64, index=True)


class Masking(SQLModel, table=True):
    """遮挡: what must not be seen of a picture when the result of an inspection is published."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    sha256: str = Field(primary_key=True, max_length=64)
    masks: str  # JSON list of x, y, width, height in pixels of the upright picture
    drawn_by: str = Field(foreign_key="account.id")
    drawn_at: datetime
