// The few messages that a component and Streamlit's page send one another (components, version 1).

const post = (type, more) => window.parent.postMessage({ isStreamlitMessage: true, type, ...more }, window.location.origin);

/** Call `render(args, theme)` whenever the page has something new; say that this component is there. */
export function listen(render) {
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.type !== "streamlit:render") return;
    render(event.data.args, event.data.theme);
  });
  post("streamlit:componentReady", { apiVersion: 1 });
}

/** Give the page's program `value`, which it answers by another rendering. */
export function send(value) {
  post("streamlit:setComponentValue", { value, dataType: "json" });
}

/** Be as high as what is in the frame. */
export function followHeight(element) {
  let last = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(element.getBoundingClientRect().height);
    if (height !== last) post("streamlit:setFrameHeight", { height });
    last = height;
  }).observe(element);
}

/** Load the faces of the page's first font into this frame, which has its name alone; then call `loaded`. */
export function takeFont(fonts, loaded) {
  const name = (rule) => rule.style.getPropertyValue("font-family").replaceAll('"', "");
  const wanted = fonts.split(",")[0].replaceAll('"', "");
  const found = [...window.parent.document.styleSheets].flatMap((sheet) =>
    [...sheet.cssRules].filter((rule) => rule.type === CSSRule.FONT_FACE_RULE && name(rule) === wanted).map(({ style }) => {
      const [weight, slant, src] = ["font-weight", "font-style", "src"].map((key) => style.getPropertyValue(key));
      const source = src.replace(/url\("?([^")]+)"?\)/g, (_, path) => `url("${new URL(path, sheet.href ?? document.baseURI)}")`);
      return new FontFace(wanted, source, { weight, style: slant });
    }));
  for (const face of found) document.fonts.add(face);
  if (found.length) document.fonts.load(`12px "${wanted}"`).then(loaded, () => {}); // else it stays in the fallback
}
