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
