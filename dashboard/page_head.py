"""The head of every page: what it says of the run, its button, and the room that it leaves; pure."""

from __future__ import annotations

from tracer.runs.run_store import StoredRun

STYLE = """<style>
[data-testid=stMainBlockContainer] { padding: 2.4rem 2rem 0.5rem; }
[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] { gap: 0.6rem; }
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] p { color: inherit; opacity: 0.85; }
.stMain h2 { font-size: 1.25rem; line-height: 1.5; padding: 0.4rem 0 0.3rem; }
.st-key-page_head h1 { font-size: 1.35rem; padding: 0; white-space: nowrap; }
.st-key-page_head button { min-height: 1.9rem; padding: 0.05rem 0.5rem; font-size: 0.85rem; }
.st-key-page_head button p, .st-key-page_head [data-testid=stText] { font-size: 0.85rem; }
.st-key-page_head [data-testid=stHorizontalBlock], .st-key-page_head { gap: 0.6rem; }
.kws-copy { font: inherit; font-size: 0.85rem; color: inherit; background: none; border: 1px solid currentColor;
  border-radius: 0.4rem; padding: 0.1rem 0.5rem; white-space: nowrap; cursor: pointer; }
.st-key-trust_chips button { min-height: 1.7rem; padding: 0.05rem 0.45rem; }
.st-key-small_metrics [data-testid=stMetricValue] { font-size: 1.1rem; }
[data-testid=stMetricValue] { font-size: 1.5rem; }
[data-testid=stHeader] { background: transparent; }
@media (max-width: 900px) {
  [data-testid=stMainBlockContainer] { padding: 3.4rem 1rem 0.5rem; }
  [data-testid=stMetricValue], .st-key-small_metrics [data-testid=stMetricValue] { font-size: 0.95rem; }
  [data-testid=stMetricDelta], [data-testid=stMetricDelta] * { font-size: 0.72rem; }
  [data-testid=stMetricValue] *, [data-testid=stMetricDelta] *, [data-testid=stMetricLabel] * { white-space: normal; }
}
</style>"""
"""Streamlit's own margins leave half a screen of 800 pixels empty, and its captions have a contrast of 3.9:1."""

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
    facts = (run.name, info.model.get("name"), where, run.state, str(info.created)[:16].replace("T", " "))
    return " · ".join(" ".join(str(one).split()) for one in facts if one)
