"""Small workbooks written by hand, so that tests know every byte of them."""

import struct
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from io import BytesIO
from typing import NamedTuple
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile


class Failed(NamedTuple):
    """A cell whose formula failed, or that holds an error itself."""

    said: str
    formula: bool = True


class Computed(NamedTuple):
    """A cell with a formula and what it last gave."""

    value: str | float


class Percent(NamedTuple):
    """A share, shown in per cent."""

    value: float


Cell = str | bool | int | float | date | datetime | time | Failed | Computed | Percent
Rows = Sequence[Sequence[Cell]]

_types = "http://schemas.openxmlformats.org/package/2006/content-types"
_relations = "http://schemas.openxmlformats.org/package/2006/relationships"
_office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def packed(members: dict[str, str | bytes]) -> bytes:
    """Write a zip."""
    body = BytesIO()
    with ZipFile(body, "w", ZIP_DEFLATED) as box:
        for name, content in members.items():
            box.writestr(name, content)
    return body.getvalue()


def letters(column: int) -> str:
    """Name a column as a spreadsheet does: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name


def xlsx(sheets: dict[str, Rows], merged: Sequence[str] = ()) -> bytes:
    """Write an XLSX; `merged` are ranges such as A1:B1, of every sheet."""
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_types}"/>',
        "_rels/.rels": f'<Relationships xmlns="{_relations}"><Relationship Id="r0" '
        f'Type="{_office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    book, relations = "", ""
    for place, (name, rows) in enumerate(sheets.items(), 1):
        book += f'<sheet name="{name}" sheetId="{place}" r:id="r{place}"/>'
        relations += (
            f'<Relationship Id="r{place}" Type="{_office}/worksheet" '
            f'Target="worksheets/sheet{place}.xml"/>'
        )
        data = "".join(
            f'<row r="{number}">'
            + "".join(_xlsx(cell, f"{letters(n)}{number}") for n, cell in enumerate(row))
            + "</row>"
            for number, row in enumerate(rows, 1)
        )
        ranges = "".join(f'<mergeCell ref="{one}"/>' for one in merged)
        members[f"xl/worksheets/sheet{place}.xml"] = (
            f'<worksheet xmlns="{_main}"><sheetData>{data}</sheetData>'
            f"<mergeCells>{ranges}</mergeCells></worksheet>"
        )
    relations += f'<Relationship Id="rs" Type="{_office}/styles" Target="styles.xml"/>'
    members["xl/styles.xml"] = _styles()
    members["xl/workbook.xml"] = (
        f'<workbook xmlns="{_main}" xmlns:r="{_office}"><sheets>{book}</sheets></workbook>'
    )
    members["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{_relations}">{relations}</Relationships>'
    )
    return packed(members)


def serial(moment: date | datetime | time) -> float:
    """Count days as a spreadsheet does."""
    if isinstance(moment, time):
        return (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86_400
    day = moment.toordinal() - date(1899, 12, 30).toordinal()
    return day + (serial(moment.time()) if isinstance(moment, datetime) else 0)


# of the styles: 0 is general, 1 a day, 2 a moment, 3 a time, 4 a share
FORMATS = (0, 14, 22, 21, 10)


def _style(cell: Cell) -> int:
    match cell:
        case datetime():
            return 2
        case date():
            return 1
        case time():
            return 3
        case Percent():
            return 4
        case _:
            return 0


def _styles() -> str:
    formats = "".join(f'<xf numFmtId="{one}" applyNumberFormat="1"/>' for one in FORMATS)
    return f'<styleSheet xmlns="{_main}"><cellXfs count="5">{formats}</cellXfs></styleSheet>'


def _xlsx(cell: Cell, place: str) -> str:
    at = f'<c r="{place}" s="{_style(cell)}"'
    match cell:
        case "":
            return ""
        case str():
            return f'{at} t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        case bool():
            return f'{at} t="b"><v>{int(cell)}</v></c>'
        case Failed(said, formula):
            return f'{at} t="e">{"<f>NA()</f>" * formula}<v>{said}</v></c>'
        case Computed(str(value)):
            return f'{at} t="str"><f>A1</f><v>{escape(value)}</v></c>'
        case Computed(value):
            return f"{at}><f>A1</f><v>{value!r}</v></c>"
        case Percent(value):
            return f"{at}><v>{value!r}</v></c>"
        case date() | time():
            return f"{at}><v>{serial(cell)!r}</v></c>"
        case _:
            return f"{at}><v>{cell!r}</v></c>"


def ods(sheets: dict[str, Rows]) -> bytes:
    """Write an ODS."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{name}">'
        + "".join(
            f"<table:table-row>{''.join(_ods(cell) for cell in row)}</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    content = (
        f'<office:document-content xmlns:office="{names}:office:1.0" '
        f'xmlns:table="{names}:table:1.0" xmlns:text="{names}:text:1.0" '
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        "<office:body>"
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    return packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _ods(cell: Cell) -> str:
    def written(kind: str, value: str, shown: str = "", more: str = "") -> str:
        said = f"<text:p>{escape(shown)}</text:p>" if shown else ""
        return (
            f'<table:table-cell{more} office:value-type="{kind}"{value}>{said}</table:table-cell>'
        )

    formula = ' table:formula="of:=[.A1]"'
    match cell:
        case "":
            return "<table:table-cell/>"
        case str():
            return written("string", "", cell)
        case bool():
            return written("boolean", f' office:boolean-value="{str(cell).lower()}"')
        case Failed(said, of_formula):
            value, more = ' office:string-value="" calcext:value-type="error"', formula * of_formula
            return written("string", value, said, more)
        case Computed(str(value)):
            return written("string", f' office:string-value="{escape(value)}"', value, formula)
        case Computed(value):
            return written("float", f' office:value="{value!r}"', str(value), formula)
        case Percent(value):
            return written("percentage", f' office:value="{value!r}"', f"{value:.0%}")
        case datetime() | date():
            return written("date", f' office:date-value="{cell.isoformat()}"', str(cell))
        case time():
            return written("time", f' office:time-value="{cell:PT%HH%MM%SS}"', str(cell))
        case _:
            return written("float", f' office:value="{cell!r}"')


# -- XLS: records of [MS-XLS] in a file of [MS-CFB] ----------------------------------------------

_codes = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36}
_free, _end, _fat = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def xls(sheets: dict[str, Rows]) -> bytes:
    """Write an XLS."""
    formats = [struct.pack("<HHHH12x", 0, one, 0, 0) for one in FORMATS]
    begin = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))]
    begin += [_record(0x00E0, one) for one in formats]
    bound = {name: struct.pack("<BBBB", 0, 0, len(name), 1) + name.encode("utf-16-le")
             for name in sheets}  # fmt: skip
    bodies = [b"".join(_sheet(rows)) for rows in sheets.values()]
    at = sum(map(len, begin)) + sum(8 + len(one) for one in bound.values()) + 4
    for one, body in zip(bound.values(), bodies, strict=True):
        begin.append(_record(0x0085, struct.pack("<I", at) + one))
        at += len(body)
    return _ole(b"".join((*begin, _record(0x000A), *bodies)))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _sheet(rows: Rows) -> Iterator[bytes]:
    yield _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            yield from _xls(cell, struct.pack("<HHH", row, column, _style(cell)))
    yield _record(0x000A)


def _xls(cell: Cell, at: bytes) -> Iterator[bytes]:
    rest = struct.pack("<HIHBH", 0, 0, 3, 0x1E, 1)  # a formula of one number
    match cell:
        case "":
            return
        case str():
            yield _record(0x0204, at + _long(cell))
        case bool():
            yield _record(0x0205, at + bytes([cell, 0]))
        case Failed(said, True):
            yield _record(
                0x0006, at + bytes([2, 0, _codes.get(said, 42), 0, 0, 0, 255, 255]) + rest
            )
        case Failed(said, _):
            yield _record(0x0205, at + bytes([_codes.get(said, 42), 1]))
        case Computed(str(value)):
            yield _record(0x0006, at + bytes([0, 0, 0, 0, 0, 0, 255, 255]) + rest)
            yield _record(0x0207, _long(value))
        case Computed(value):
            yield _record(0x0006, at + struct.pack("<d", value) + rest)
        case Percent(value):
            yield _record(0x0203, at + struct.pack("<d", value))
        case date() | time():
            yield _record(0x0203, at + struct.pack("<d", serial(cell)))
        case _:
            yield _record(0x0203, at + struct.pack("<d", cell))


def _long(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def _ole(stream: bytes) -> bytes:
    """Write a file of one stream: its sectors, then the directory, then their table."""
    stream = stream.ljust(4096, b"\0")
    used = -(-len(stream) // 512)
    tables = -(-(used + 2) // 126)
    fat = [*range(1, used), _end, _end, *[_fat] * tables]
    fat += [_free] * (tables * 128 - len(fat))
    entries = b""
    for name, kind, child, start, size in (
        ("Root Entry", 5, 1, _end, 0), ("Workbook", 2, _free, 0, len(stream)),
    ):  # fmt: skip
        entries += (name.encode("utf-16-le") + b"\0\0").ljust(64, b"\0")
        entries += struct.pack("<HBBIII36xIQ", len(name) * 2 + 2, kind, 1, _free, _free, child,
                               start, size)  # fmt: skip
    places = [*range(used + 1, used + 1 + tables), *[_free] * 109][:109]
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, used, 0, 4096, _end, 0, _end, 0
    )  # fmt: skip
    body = stream.ljust(used * 512, b"\0") + entries.ljust(512, b"\0")
    return header + struct.pack("<109I", *places) + body + struct.pack(f"<{len(fat)}I", *fat)
