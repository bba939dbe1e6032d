"""Whatever of the server decodes pictures waits for its turn in the darkroom (暗房)."""

import ast
from pathlib import Path

BACKEND = Path(__file__).parents[2] / "backend"
DECODES = {"probe", "preview", "thumbnail", "fingerprint"}
INSIDE = {("facts.py", "picture")}  # what is done there


def decoders(tree: ast.AST) -> list[ast.Attribute]:
    return [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Attribute)
        and one.attr in DECODES
        and isinstance(one.value, ast.Name)
        and one.value.id == "photos"
    ]


def called(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == name
    ]


def test_the_server_decodes_pictures_in_the_darkroom_only() -> None:
    elsewhere: set[tuple[str, str]] = set()
    decoding = 0
    for path in sorted(BACKEND.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found = decoders(function)
                handed = [one for job in called(function, "partial") for one in decoders(job)]
                decoding += len(found)
                if len(handed) < len(found) or (found and not called(function, "develop")):
                    elsewhere.add((path.name, function.name))

    assert elsewhere == INSIDE
    assert decoding > len(INSIDE)
