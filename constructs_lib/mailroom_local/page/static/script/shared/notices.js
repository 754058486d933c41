// Short notices at the corner: what an action led to, or why it failed.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SECONDS = { good: 5, bad: 15 };

export function tell(text, kind = "good") {
  const close = () => notice.remove();
  const notice = h(
    "div",
    { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(kind === "bad" ? "failed" : "yes"),
    h("span", {}, text),
    h(
      "button",
      { class: "button small bare", type: "button", "aria-label": "Dismiss", onclick: close },
      icon("close"),
    ),
  );
  document.getElementById("notices").append(notice);
  setTimeout(close, SECONDS[kind] * 1000);
}

/** Run an action; an error is shown as the API words it. Returns null after an error. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    tell(error.message, "bad");
    return null;
  }
}
