// Small things that several views show.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { tone } from "./format.js";

export function badge(text, kind = tone(text), title = null) {
  return h("span", { class: `badge ${kind}`, title }, h("span", {}, text));
}

export function problem(text, kind = "bad") {
  return h("p", { class: `notice ${kind}` }, icon("failed"), h("span", {}, text));
}

/** What stands where something is still being read. */
export const loading = () =>
  h("p", { class: "soft row", role: "status" }, h("span", { class: "spinner" }), "Loading");

/** A command to type in a terminal, with a button that copies it. */
export function command(text) {
  const said = h("span", { class: "unseen", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied";
      fill(button, icon("yes"));
    } catch {
      said.textContent = "The browser does not allow copying: select the text instead";
    }
  };
  const button = h(
    "button",
    { class: "button small bare", type: "button", "aria-label": "Copy the command", onclick: copy },
    icon("copy"),
  );
  return h("div", { class: "command" }, h("code", {}, text), button, said);
}

export function empty(name, title, ...children) {
  return h("div", { class: "empty" }, icon(name), h("h2", {}, title), children);
}

/** JSON with its keys, texts and other values told apart. */
export function payload(value) {
  const pre = h("pre", { class: "payload", tabindex: "0", "aria-label": "Payload" });
  const text = JSON.stringify(value, null, 2) ?? "";
  let end = 0;
  for (const found of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g)) {
    const kind = found[2] ? "key" : found[1] ? "text" : "value";
    pre.append(
      text.slice(end, found.index),
      h("span", { class: kind }, found[1] ?? found[0]),
      found[2] ?? "",
    );
    end = found.index + found[0].length;
  }
  pre.append(text.slice(end));
  return pre;
}

/** What is made only when it is opened. */
export function opens(summary, make, attributes = {}) {
  const details = h("details", { class: "small", ...attributes }, h("summary", {}, summary));
  details.addEventListener(
    "toggle",
    () => details.open && details.children.length === 1 && details.append(make()),
  );
  if (attributes.open) details.append(make());
  return details;
}
