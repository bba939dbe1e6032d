"""首页: what this server is and where its doors are, for whoever opens its address."""

from html import escape

from litestar import MediaType, get

_LINKS = (
    ("/public/results", "published results (JSON)", "公示结果（JSON）"),
    ("/public/draws", "draws and their bundles (JSON)", "抽取与公示包（JSON）"),
    ("/public/heads", "ends of the ledger and the journal", "账本与留痕的末端"),
    ("/schema", "the interface", "接口说明"),
    ("/health", "health", "健康检查"),
    ("/metrics", "metrics", "运行指标"),
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>evenhand</title><style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto }}
</style></head><body><h1>evenhand</h1>
<p>双随机抽查与离线现场检查 · Field inspection with a draw that anyone can repeat.</p>
<ul>
{links}
</ul>
<p>Officers use <code>evenhand office</code>, inspectors <code>evenhand device</code>.
机关人员使用 <code>evenhand office</code>，执法人员使用 <code>evenhand device</code>。</p>
</body></html>
"""


@get(["/", "/public"], media_type=MediaType.HTML, opt={"public": True}, include_in_schema=False)
async def read_front_page() -> str:
    """Show the doors."""
    links = (
        f'<li><a href="{path}">{escape(path)}</a> {escape(zh)} · {escape(en)}</li>'
        for path, en, zh in _LINKS
    )
    return _PAGE.format(links="\n".join(links))


handlers = [read_front_page]
