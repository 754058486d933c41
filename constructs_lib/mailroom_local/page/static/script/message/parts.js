// Headers, attachments, MIME structure and source of a message.

import { messageUrl, text } from "../api.js";
import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { many, size } from "../shared/format.js";
import { badge, problem } from "../shared/pieces.js";

export function headers(found) {
  const body = h("tbody", {});
  const show = (raw) =>
    fill(
      body,
      found.map((one) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, one.name),
          h("td", { class: raw ? "mono" : "" }, raw ? one.raw : one.value),
        ),
      ),
    );
  show(false);
  return h(
    "div",
    {},
    h(
      "div",
      { class: "panel-bar" },
      h("span", {}, many(found.length, "header")),
      choice({ Decoded: () => show(false), Raw: () => show(true) }),
    ),
    h(
      "div",
      { class: "scrolled", tabindex: "0", "aria-label": "Headers" },
      h(
        "table",
        { class: "header-table" },
        h("thead", { class: "unseen" }, h("tr", {}, h("th", {}, "Name"), h("th", {}, "Value"))),
        body,
      ),
    ),
  );
}

function choice(options) {
  const buttons = Object.entries(options).map(([name, act], index) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(index === 0),
        onclick: (event) => {
          for (const one of buttons) one.setAttribute("aria-pressed", String(one === event.currentTarget));
          act();
        },
      },
      name,
    ),
  );
  return h("div", { class: "choice" }, buttons);
}

export function attachments(found) {
  return h(
    "div",
    { class: "padded" },
    h(
      "ul",
      { class: "files" },
      found.attachments.map((one) => file(found.key, one)),
    ),
  );
}

function file(key, one) {
  const address = messageUrl(key, `/parts/${one.index}`);
  const name = one.name || `part ${one.index}`;
  return h(
    "li",
    { class: "file" },
    h(
      "div",
      { class: "picture" },
      one.preview
        ? h("img", { src: `${address}?preview=1`, alt: `Preview of ${name}`, loading: "lazy" })
        : icon("file"),
    ),
    h(
      "div",
      { class: "told" },
      h(
        "div",
        {},
        h("p", { class: "name" }, name),
        h("p", { class: "hint" }, `${one.type} · ${size(one.size)}`),
        one.inline ? badge("inline", "", one.content_id) : null,
      ),
      h(
        "a",
        {
          class: "button square small",
          href: address,
          download: one.name || "",
          "aria-label": `Download ${name}`,
        },
        icon("download"),
      ),
    ),
  );
}

export function structure(tree) {
  return h("div", { class: "padded scrolled" }, h("ul", { class: "tree" }, node(tree)));
}

function node(one) {
  return h(
    "li",
    {},
    h(
      "div",
      { class: "part" },
      h("strong", { class: "mono" }, one.type),
      one.name ? h("span", {}, one.name) : null,
      h(
        "span",
        { class: "faint" },
        [one.charset, one.encoding, one.size === null || one.size === undefined ? null : size(one.size)]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    one.children?.length ? h("ul", { class: "tree" }, one.children.map(node)) : null,
  );
}

export function source(found) {
  const place = h(
    "pre",
    { class: "mail-text raw", tabindex: "0", "aria-label": "Source of the message" },
    "…",
  );
  const address = messageUrl(found.key, "/raw");
  text(address)
    .then((raw) => (place.textContent = raw))
    .catch((error) => place.replaceWith(problem(error.message)));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "panel-bar" },
      h("span", {}, `${size(found.size)} as received by the server`),
      h(
        "a",
        { class: "button small", href: `${address}?download=1`, download: `${found.key}.eml` },
        icon("download"),
        "Download .eml",
      ),
    ),
    place,
  );
}
