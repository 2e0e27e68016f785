"""The style of the document: one sheet, whose colours are the palette's."""

from __future__ import annotations

from tracer.palette import LETTERS, PAPER

_RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif;
font-variant-numeric:tabular-nums}
header,main,footer{max-width:1240px;margin:0 auto;padding:0 24px}
header{padding-top:20px}
h1{font-size:22px;line-height:1.3;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 10px}
h3{font-size:15px;margin:18px 0 6px}
p{margin:4px 0;overflow-wrap:anywhere}
a{color:inherit}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;padding:10px 0;border-bottom:1px solid var(--rule)}
:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
section{padding:22px 0 4px;break-inside:auto}
.quiet{color:var(--quiet);font-size:13.5px}
.columns{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:12px 32px;align-items:start}
.rate{font-size:44px;line-height:1.15;font-weight:650;margin:0}
.rate small{font-size:18px;font-weight:400}
.lead{font-size:16px;font-weight:600}
ul{padding:0;margin:6px 0;list-style:none}
ul.lines li{margin:2px 0;overflow-wrap:anywhere}
ul.chips{display:flex;flex-wrap:wrap;gap:6px;margin:10px 0}
ul.chips li{color:LETTERS;border-radius:4px;padding:1px 8px;font-size:13.5px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:10px;margin:8px 0}
.card{background:var(--panel);border-radius:6px;padding:10px 12px}
.card b{display:block;font-size:20px}
.bar{display:flex;height:30px;border-radius:4px;overflow:hidden;margin:2px 0 4px;gap:1px;background:var(--panel)}
.bar span{color:LETTERS;font-size:13px;line-height:30px;padding:0 5px;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis;min-width:0;flex-basis:0}
.bar span.thin{padding:0;color:transparent}
.barhead{display:flex;justify-content:space-between;gap:12px;flex-wrap:wrap;margin-top:12px}
ul.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px}
ul.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;color:var(--quiet);white-space:nowrap}
td{overflow-wrap:anywhere}
td:first-child:not(:last-child){min-width:11em}
td.figure:first-child{min-width:0}
.figure{text-align:right;white-space:nowrap;overflow-wrap:normal}
.share{display:inline-flex;align-items:center;gap:8px;justify-content:flex-end;white-space:nowrap}
.track{display:inline-block;width:90px;height:10px;border-radius:2px;background:var(--panel)}
.track i{display:block;height:10px;border-radius:2px;min-width:1px}
code{font:12.5px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
details{margin:6px 0}
td details{margin:0}
summary{cursor:pointer}
svg{display:block;max-width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg text.quiet{fill:var(--quiet);font-size:12px}
svg text.mark{fill:LETTERS;font-size:11px}
svg line{stroke:var(--rule)}
footer{padding:26px 24px 30px}
@media(max-width:860px){.columns{grid-template-columns:minmax(0,1fr)}header,main,footer{padding-left:16px;padding-right:16px}
.track{width:48px}.rate{font-size:36px}}
@media print{body{font-size:11pt}nav{display:none}.scroll{overflow:visible}
svg{min-width:0!important}table{font-size:9pt}.figure,th,.share{white-space:normal}td:first-child:not(:last-child){min-width:0}
.track{display:none}tr,.card,.bar,svg{break-inside:avoid}
h2,h3{break-after:avoid}details:not([open])>*{display:block}details::details-content{content-visibility:visible;
display:block;height:auto}td details:not([open])>:not(summary){display:none}
td details:not([open])::details-content{display:none}.columns{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}}
"""


def style_sheet() -> str:
    """The sheet, for a light ground and, where the reader's system asks for it, a dark one; paper is light."""
    light, dark = (f":root{{{_variables(PAPER[name])}}}" for name in ("light", "dark"))
    scheme = ":root{color-scheme:light dark}"
    asked = f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
    return f"{scheme}{light}{asked}{_RULES.replace('LETTERS', LETTERS)}"


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
