"""The OpenAPI document at /schema, with a page of our own: it must work without any network."""

from html import escape
from importlib.metadata import version
from typing import Any

from litestar import Request, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>evenhand: HTTP interface 接口说明</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
code { font: 13px ui-monospace, monospace } b { display: inline-block; min-width: 4.5em }
summary { padding: .3rem 0; cursor: pointer } pre { background: #f4f4f4; overflow: auto }
pre, dl { margin: .3rem 0 .8rem 1rem; padding: .5rem } h2 { border-bottom: 1px solid #ccc }
</style></head><body><h1>evenhand</h1>
<p>The same as a document 机读文件: <a href="/schema/openapi.json">openapi.json</a></p>
"""


class OfflinePage(OpenAPIRenderPlugin):
    """One page of plain HTML: no script, no style sheet and no font from elsewhere."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """List the operations by door, then the shapes that travel."""
        doors: dict[str, list[str]] = {}
        for path, operations in sorted(openapi_schema["paths"].items()):
            for method, operation in operations.items():
                doors.setdefault(path.split("/")[1], []).append(_operation(path, method, operation))
        shapes = openapi_schema.get("components", {}).get("schemas", {})
        parts = [_HEAD]
        for name, entries in doors.items():
            parts += [f"<h2>/{escape(name)}</h2>", *entries]
        parts.append("<h2>Shapes 数据结构</h2>")
        for name, shape in sorted(shapes.items()):
            parts.append(
                f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> '
                f"{escape(shape.get('description', ''))}</summary>{_shape(shape)}</details>"
            )
        parts.append("</body></html>")
        return "\n".join(parts).encode()


def config() -> OpenAPIConfig:
    """Describe the interface."""
    return OpenAPIConfig(
        title="evenhand",
        version=version("evenhand"),
        description="Three doors: office (an officer's session), device (an enrolled key), public.",
        render_plugins=[OfflinePage(path="/")],
        openapi_router=Router(
            "/schema", route_handlers=[], opt={"public": True}, include_in_schema=False
        ),
        components=Components(
            security_schemes={"office": SecurityScheme(type="http", scheme="bearer")}
        ),
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    lines = [f"<p>{escape(operation.get('description', ''))}</p><dl>"]
    for one in operation.get("parameters", []):
        lines.append(f"<dt><code>{escape(one['name'])}</code> in {escape(one['in'])}</dt>")
    for content in operation.get("requestBody", {}).get("content", {}).values():
        lines.append(f"<dt>body</dt><dd>{_named(content.get('schema', {}))}</dd>")
    for status, answer in operation.get("responses", {}).items():
        schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
        shown = ", ".join(map(_named, schemas)) or escape(answer.get("description", ""))
        lines.append(f"<dt>{escape(status)}</dt><dd>{shown}</dd>")
    title = escape(operation.get("summary", ""))
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> {title}</summary>"
        f"{''.join(lines)}</dl></details>"
    )


def _named(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if schema.get("type") == "array":
        return f"list of {_named(schema.get('items', {}))}"
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return " or ".join(_named(one) for one in schema[choice])
    return f"<code>{escape(str(schema.get('type', 'any')))}</code>"


def _shape(shape: dict[str, Any]) -> str:
    needed = shape.get("required", [])
    rows = [
        f"<dt><code>{escape(name)}{' *' if name in needed else ''}</code></dt>"
        f"<dd>{_named(one)}</dd>"
        for name, one in shape.get("properties", {}).items()
    ]
    return f"<dl>{''.join(rows)}</dl>"
