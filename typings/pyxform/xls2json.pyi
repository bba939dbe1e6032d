from pyxform.xls2json_backends import DefinitionData

def workbook_to_json(
    workbook_dict: DefinitionData, *, warnings: list[str] | None = None
) -> dict[str, object]: ...
