// The content of a message, one tab for each way to look at it.

import { messageUrl } from "../api.js";
import { h, fill, outside } from "../shared/dom.js";
import { attachments, headers, source, structure } from "./parts.js";

let counter = 0;

export function content(found) {
  counter += 1;
  const tabs = [
    ["HTML", found.html && (() => html(found))],
    ["Text", found.text !== null && found.text !== undefined && (() => text(found.text))],
    ["Headers", found.headers?.length && (() => headers(found.headers))],
    ["Attachments", found.attachments?.length && (() => attachments(found)), found.attachments?.length],
    ["Links", found.links?.length && (() => links(found.links)), found.links?.length],
    ["Structure", found.tree && (() => structure(found.tree))],
    ["Source", found.raw && (() => source(found))],
  ].filter(([, make]) => make);
  if (!tabs.length) {
    return h(
      "section",
      { class: "card", "aria-label": "Content" },
      h(
        "p",
        { class: "soft" },
        found.kind === "refused"
          ? "It was refused before its content was sent, so there is nothing to show."
          : "The bytes of this message were not kept.",
      ),
    );
  }
  return tabbed(tabs);
}

function tabbed(tabs) {
  const panels = new Map();
  const body = h("div", {});
  const buttons = tabs.map(([name, , number]) =>
    h(
      "button",
      {
        class: "tab",
        type: "button",
        role: "tab",
        id: `tab-${counter}-${name}`,
        "aria-controls": `panel-${counter}-${name}`,
        onclick: () => choose(name),
      },
      name,
      number ? h("span", { class: "number" }, ` ${number}`) : null,
    ),
  );
  function choose(name, { focus = false } = {}) {
    tabs.forEach(([one, make], index) => {
      const on = one === name;
      buttons[index].setAttribute("aria-selected", String(on));
      buttons[index].tabIndex = on ? 0 : -1;
      if (on && focus) buttons[index].focus();
      if (on && !panels.has(one)) {
        const panel = h(
          "div",
          {
            class: "panel",
            role: "tabpanel",
            id: `panel-${counter}-${one}`,
            "aria-labelledby": buttons[index].id,
          },
          make(),
        );
        panels.set(one, panel);
        body.append(panel);
      }
      if (panels.has(one)) panels.get(one).hidden = !on;
    });
  }
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Content" }, buttons);
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to =
      { Home: 0, End: buttons.length - 1 }[event.key] ??
      (steps[event.key] ? (at + steps[event.key] + buttons.length) % buttons.length : -1);
    if (at < 0 || to < 0) return;
    event.preventDefault();
    choose(tabs[to][0], { focus: true });
  });
  choose(tabs[0][0]);
  return h("section", { class: "card content-card", "aria-label": "Content" }, list, body);
}

/** The mail in a frame of its own origin, in which nothing runs. */
function html(found) {
  const box = h("div", {});
  const frame = (remote) =>
    h("iframe", {
      class: "mail-frame",
      title: "The message as a mail program shows it",
      sandbox: "allow-popups allow-popups-to-escape-sandbox",
      referrerpolicy: "no-referrer",
      src: messageUrl(found.key, remote ? "/html?remote=1" : "/html"),
    });
  const blocked = h(
    "div",
    { class: "remote" },
    h("span", {}, "Remote content is blocked: loading it would tell the sender that the mail was opened."),
    h("button", { class: "button small", type: "button", onclick: () => fill(box, frame(true)) }, "Show it"),
  );
  return fill(box, found.remote ? blocked : null, frame(false));
}

function text(words) {
  return words.trim()
    ? h("pre", { class: "mail-text", tabindex: "0", "aria-label": "Text of the message" }, words)
    : h("p", { class: "mail-text faint" }, "The text is empty.");
}

function links(found) {
  return h(
    "div",
    { class: "padded scrolled" },
    found.some((one) => one.tracked)
      ? h(
          "p",
          { class: "hint" },
          "Opening a tracked link makes a Click event happen, as if the reader had followed it.",
        )
      : null,
    h(
      "ul",
      { class: "links" },
      found.map((one) =>
        h(
          "li",
          {},
          h(
            "div",
            { class: "row" },
            h("strong", {}, one.text || "(no text)"),
            one.tracked ? h("span", { class: "badge accent" }, "tracked") : null,
          ),
          outside(one.url, one.url),
        ),
      ),
    ),
  );
}
