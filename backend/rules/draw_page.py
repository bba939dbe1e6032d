"""抽取公示页: the page on which a visitor verifies a draw in the browser.

The script recomputes the draw from the bundle's files; this server is not asked what it found.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from backend.rules.events import Tally

SCRIPT = "verify.js"

_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "li,p{overflow-wrap:anywhere}.en{color:#555;display:block;font-size:90%}"
    ".proved{color:#060}.wrong{color:#a00;font-weight:bold}.open{color:#555}.proof{font-size:80%}"
    "input{font:inherit;width:60%;padding:.2rem}button{font:inherit;padding:.2rem .8rem}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'"
)


def write(
    draw_id: str, commit_hash: str, *, bundle: str, script: str, tally: Tally | None = None
) -> bytes:
    """Write the page of a draw; `bundle` is where its files are, with a slash at the end.

    `tally`: what became of the list, of a draw that was held and is open.
    """
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">
<title>复核抽取 · Verify a draw</title><style>{_STYLE}</style>
<script type="module" src="{escape(script)}"></script></head>
<body><main data-bundle="{escape(bundle)}">
<h1>复核抽取 <span class="en" lang="en">Verify a draw</span></h1>
<p>抽取 <code>{escape(draw_id)}</code>，承诺散列值
<a href="{escape(bundle)}commit.json"><code>{escape(commit_hash)}</code></a>。
以下各步由您的浏览器用公布的文件重新计算；请将承诺散列值与当时公布的核对。
<span class="en" lang="en">Your own browser computes these steps again from the published files.
Compare the hash of the commitment with what was published then.</span></p>
{_told(tally)}<ol></ol>
<noscript><p>请启用脚本，或使用 <code>evenhand verify draw --public</code>。
<span class="en" lang="en">Allow scripts, or use the command.</span></p></noscript>
<form><label>统一社会信用代码/编号 <span class="en" lang="en">Code of a business</span>
<input name="id" required maxlength="64" autocomplete="off"></label>
<button>查询 · Find</button></form>
<div role="status"></div>
</main></body></html>
""".encode()


def _told(tally: Tally | None) -> str:
    """Say how many were substituted: a rate that everybody may see (替补率)."""
    if tally is None:
        return ""
    return f"""<p>抽取 {tally.drawn} 户，替补 {tally.substituted} 户\
（其中 {tally.shortfall} 户无候补），\
替补率 {tally.substitution_rate}%；换人 {tally.replaced} 席，增抽 {tally.extended} 户，\
名单现有 {tally.listed} 户。
<span class="en" lang="en">{tally.drawn} were drawn, {tally.substituted} substituted \
({tally.shortfall} without a reserve), a substitution rate of {tally.substitution_rate}%; \
{tally.replaced} seats given to others, {tally.extended} more drawn: \
{tally.listed} on the list.</span></p>
"""
