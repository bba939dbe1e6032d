"""随版本发布的数据: the files of figures that this release ships with."""

from importlib.resources import files


def texts(folder: str) -> list[str]:
    """Read the TOML files of a folder of the backend, by their names."""
    found = sorted((one for one in (files("backend") / folder).iterdir()), key=str)
    return [one.read_text(encoding="utf-8") for one in found if one.name.endswith(".toml")]
