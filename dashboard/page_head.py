"""The style of the pages, and the head of each: what it says of the run, and its button; pure."""

from __future__ import annotations

import math

from tracer.figure_text import minute_text
from tracer.reports.html.style import plot_style
from tracer.runs.run_store import StoredRun

ROOM_STEP_PX, MOST_ROOM_PX = 10, 800


def room_class(height_px: float) -> str:
    """How the key of a container begins that is so high, or up to a step higher, before there is anything in it."""
    steps = math.ceil(min(height_px, MOST_ROOM_PX) / ROOM_STEP_PX)
    return f"room{steps * ROOM_STEP_PX}_"


_ROOMS = "".join(
    f":root [class*=st-key-{room_class(height)}] {{ min-height: {height}px; }}\n"
    for height in range(ROOM_STEP_PX, MOST_ROOM_PX + ROOM_STEP_PX, ROOM_STEP_PX)
)

_RULES = """@media (min-width: 769px) {
  :root [data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar], h1)) { padding-left: 300px; }
}
:root [data-testid=stSidebarContent]:not(:has([data-testid=stSidebarNavLink])) [data-testid=stSidebarUserContent] {
  visibility: hidden; }
:root [data-testid=stMainBlockContainer] { max-width: none; padding: 2.4rem 2rem 0.5rem; }
:root [data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] { gap: 0.6rem; }
:root [data-testid=stMain] [data-testid=stElementContainer]:has(> [data-testid=stSkeleton]) { min-height: 68px; }
:root .st-key-gains { min-height: 119px; }
:root .st-key-page_head [data-testid=stElementContainer]:has(> [data-testid=stSkeleton]) {
  min-height: 0; height: 1.9rem; min-width: 4.9rem; overflow: hidden; }
:root [data-testid=stCaptionContainer], :root [data-testid=stCaptionContainer] p { color: inherit; opacity: 0.85; }
:root [data-testid=stCaptionContainer] code { color: inherit; }
:root .stMain h2 { font-size: 1.25rem; line-height: 1.5; padding: 0.4rem 0 0.3rem; }
:root .stMain [data-testid=stMarkdown] h2 { font-size: 1.5rem; }
:root .stMain h3 { font-size: 1.1rem; line-height: 1.5; padding: 0.3rem 0 0.2rem; }
:root .st-key-page_head h1 { font-size: 1.35rem; padding: 0; white-space: nowrap; }
:root .st-key-page_head button { min-height: 1.9rem; padding: 0.05rem 0.5rem; font-size: 0.85rem; }
:root .st-key-page_head button p, :root .st-key-page_head [data-testid=stText] { font-size: 0.85rem; }
:root .st-key-page_head [data-testid=stHorizontalBlock], :root .st-key-page_head { gap: 0.6rem; min-height: 1.9rem; }
.kws-copy { font: inherit; font-size: 0.85rem; color: inherit; background: none; cursor: pointer;
  border: 1px solid rgba(128, 128, 128, 0.45); border-radius: 0.4rem; white-space: nowrap; }
:root .st-key-trust_chips button { min-height: 1.7rem; padding: 0.05rem 0.45rem; }
:root .st-key-small_metrics [data-testid=stMetricValue] { font-size: 1.1rem; }
:root [data-testid=stMetricValue] { font-size: 1.5rem; }
:root .st-key-rate [data-testid=stMetricValue] { font-size: 2rem; }
:root [data-testid=stHeader] { background: transparent; }
@media (min-width: 769px) and (max-width: 1100px) {
  :root .stMain [data-testid=stColumn] { min-width: min(9rem, 100%); }
  :root [class*=st-key-wide_] > * > * > [data-testid=stColumn] { min-width: min(24rem, 100%); }
  :root .st-key-small_metrics [data-testid=stColumn] { min-width: 5rem; }
}
@media (max-width: 900px) {
  :root [data-testid=stMainBlockContainer] { padding: 3.4rem 1rem 0.5rem; }
  :root [data-testid=stMetricValue] { font-size: 1.2rem; }
  :root .st-key-rate [data-testid=stMetricValue] { font-size: 1.5rem; }
  :root :is(.st-key-gains, .st-key-small_metrics) [data-testid=stMetricValue] { font-size: 0.95rem; }
  :root [data-testid=stMetricDelta], :root [data-testid=stMetricDelta] * { font-size: 0.72rem; }
  :root :is([data-testid=stMetricValue], [data-testid=stMetricDelta], [data-testid=stMetricLabel]) * {
    white-space: normal; }
}
"""

STYLE = f"""<style>
{_ROOMS}{_RULES}{plot_style()}</style>"""
"""
Streamlit's own margins leave half a screen of 800 pixels empty, and its captions have a contrast of 3.9:1.

The sidebar comes after the page, and its list of pages after what is under it: their room is kept until then,
and that of what a page is still waiting for. ``:root`` puts these rules before Streamlit's, which come later.
"""

COPY_LINK = """<button type="button" class="kws-copy">Copy link</button>
<script>
for (const button of document.querySelectorAll(".kws-copy")) {
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // Without HTTPS a browser has no clipboard but that of a selection.
      const field = document.body.appendChild(document.createElement("textarea"));
      field.value = location.href;
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy link"; }, 1500);
  };
}
</script>"""
"""Copies the page's address, which is the view."""


def head_text(run: StoredRun) -> str:
    """Run, model, device, state and date in a line, with the sign of a line's end nowhere in it."""
    info = run.info
    where = f"{info.backend.get('name')} {info.backend.get('device') or ''}".strip()
    facts = (run.name, info.model.get("name"), where, run.state, minute_text(info.created))
    return " · ".join(" ".join(str(one).split()) for one in facts if one)
