// Fields of the form: lines, rows of name and value, and files.

import { fill, h } from "../shared/dom.js";
import { size } from "../shared/format.js";
import { icon } from "../shared/icons.js";

let counter = 0;

export function field(label, input, hint = null) {
  input.id ||= `field-${(counter += 1)}`;
  return h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, label),
    input,
    hint ? h("p", { class: "hint" }, hint) : null,
  );
}

export const line = (attributes = {}) =>
  h("input", { class: "input", autocomplete: "off", spellcheck: "false", ...attributes });
/** The addresses that a field lists. */
export const addresses = (input) => input.value.split(/[,;\s]+/).filter(Boolean);

/** Rows of name and value, and a button that adds one. */
export function pairs(what) {
  const rows = h("div", { class: "pairs" });
  const add = () => {
    const pair = h(
      "div",
      { class: "pair" },
      line({ "aria-label": `Name of the ${what}`, placeholder: "Name" }),
      line({ "aria-label": `Value of the ${what}`, placeholder: "Value" }),
      h(
        "button",
        {
          class: "button square bare",
          type: "button",
          "aria-label": `Remove the ${what}`,
          onclick: () => pair.remove(),
        },
        icon("close"),
      ),
    );
    rows.append(pair);
    pair.querySelector("input").focus();
  };
  const button = h(
    "button",
    { class: "button small", type: "button", onclick: add },
    icon("plus"),
    `Add a ${what}`,
  );
  const values = () =>
    [...rows.children]
      .map((pair) => [...pair.querySelectorAll("input")].map((one) => one.value))
      .filter(([name]) => name.trim());
  return { element: h("div", { class: "stacked" }, rows, h("div", {}, button)), values };
}

/** A field for files, and what was chosen. */
export function attachments() {
  const files = new Set();
  const chosen = h("div", { class: "chosen" });
  const input = h("input", {
    class: "input",
    type: "file",
    multiple: true,
    onchange: () => add([...input.files]),
  });
  function add(more) {
    for (const file of more) files.add(file);
    input.value = "";
    show();
  }
  function show() {
    fill(
      chosen,
      [...files].map((file) =>
        h(
          "span",
          { class: "badge" },
          `${file.name} · ${size(file.size)}`,
          h(
            "button",
            {
              class: "button small bare",
              type: "button",
              "aria-label": `Remove ${file.name}`,
              onclick: () => files.delete(file) && show(),
            },
            icon("close"),
          ),
        ),
      ),
    );
  }
  const read = () =>
    Promise.all(
      [...files].map(async (file) => ({
        name: file.name,
        type: file.type || "application/octet-stream",
        content: await base64(file),
      })),
    );
  return { input, chosen, read };
}

/** The bytes of a file in base64. */
async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  // All at once would exceed what one call may have as arguments.
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
