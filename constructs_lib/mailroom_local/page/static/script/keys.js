// The keyboard: single keys outside of fields. A view adds its own while it is shown.

import { dialog, isOpen } from "./shared/dialog.js";
import { h } from "./shared/dom.js";

const HELP = [
  [["j", "↓"], "next message"],
  [["k", "↑"], "previous message"],
  [["Enter"], "open the selected message"],
  [["u"], "mark the message as unread"],
  [["Esc"], "close the message, or leave the field"],
  [["/"], "search"],
  [["c"], "compose a message"],
  [["i"], "go to the inbox"],
  [["s"], "go to the stack"],
  [["?"], "show this help"],
];

const pressed = new Map();

/** Run an action when this key is pressed; returns what takes it back. */
export function onKey(key, action) {
  pressed.set(key, action);
  return () => pressed.get(key) === action && pressed.delete(key);
}

export function listen() {
  onKey("?", help);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isOpen()) return;
    const typing = event.target.closest?.("input, select, textarea");
    if (typing && event.key !== "Escape") return;
    // Enter and the arrows keep their meaning on whatever has the focus.
    const own = event.target.closest?.("a, button, summary, [role=tab], pre[tabindex], .scrolled");
    if (own && ["Enter", "ArrowDown", "ArrowUp"].includes(event.key)) return;
    if (typing) {
      typing.blur();
      return;
    }
    const action = pressed.get(event.key);
    if (action && action() !== false) event.preventDefault();
  });
}

export function help() {
  dialog(
    "Keyboard",
    h(
      "dl",
      { class: "keys" },
      HELP.map(([keys, about]) => [
        h(
          "dt",
          {},
          keys.map((key) => h("kbd", {}, key)),
        ),
        h("dd", {}, about),
      ]),
    ),
  );
}
