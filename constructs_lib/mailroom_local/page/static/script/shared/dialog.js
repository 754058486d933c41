// A dialog: the browser keeps the focus inside, closes it with Escape and gives the focus back.

import { h } from "./dom.js";
import { icon } from "./icons.js";

export function dialog(title, ...children) {
  const made = h(
    "dialog",
    { "aria-label": title },
    h(
      "div",
      { class: "stacked" },
      h(
        "div",
        { class: "title" },
        h("h2", {}, title),
        h(
          "button",
          { class: "button square bare", type: "button", "aria-label": "Close", onclick: () => made.close() },
          icon("close"),
        ),
      ),
      children,
    ),
  );
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => event.target === made && made.close());
  document.body.append(made);
  made.showModal();
  return made;
}

export const isOpen = () => document.querySelector("dialog[open]") !== null;
