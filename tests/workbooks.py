"""Small workbooks written by hand, so that tests know every byte of them."""

from collections.abc import Sequence
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | int | float
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
    members["xl/workbook.xml"] = (
        f'<workbook xmlns="{_main}" xmlns:r="{_office}"><sheets>{book}</sheets></workbook>'
    )
    members["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{_relations}">{relations}</Relationships>'
    )
    return packed(members)


def _xlsx(cell: Cell, place: str) -> str:
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>' if cell else ""
    return f'<c r="{place}"><v>{cell!r}</v></c>'


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
        f'xmlns:table="{names}:table:1.0" xmlns:text="{names}:text:1.0"><office:body>'
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    return packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _ods(cell: Cell) -> str:
    if isinstance(cell, str):
        return (
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p>'
            "</table:table-cell>"
        )
    return f'<table:table-cell office:value-type="float" office:value="{cell!r}"/>'
