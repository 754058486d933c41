// An .eml file that is dropped anywhere on the page is received, or sent.

import { post } from "../api.js";
import { go } from "../route.js";
import { dialog, isOpen } from "../shared/dialog.js";
import { fill, h } from "../shared/dom.js";
import { size } from "../shared/format.js";
import { tell } from "../shared/notices.js";
import { problem } from "../shared/pieces.js";

const hint = h(
  "div",
  { class: "drop" },
  h(
    "div",
    {},
    h("h2", {}, "Drop the message here"),
    h("p", { class: "soft" }, "An .eml file is received, or sent, as you choose."),
  ),
);

const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const toField = (event) => event.target.closest?.("input[type=file]");

export function listen() {
  let depth = 0;
  const leave = () => {
    depth = 0;
    hint.remove();
  };
  document.addEventListener("dragenter", (event) => {
    if (!brings(event) || isOpen()) return;
    depth += 1;
    document.body.append(hint);
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) leave();
  });
  document.addEventListener(
    "dragover",
    (event) => brings(event) && !toField(event) && event.preventDefault(),
  );
  document.addEventListener("drop", (event) => {
    leave();
    if (!brings(event) || toField(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) ask(file);
  });
}

function ask(file) {
  const said = h("div", { role: "alert" });
  const from = h("input", { class: "input", id: "drop-from", placeholder: "as in the file" });
  const to = h("input", { class: "input", id: "drop-to", placeholder: "as in the file" });
  async function upload(direction) {
    const query = new URLSearchParams({ direction });
    if (from.value.trim()) query.set("from", from.value.trim());
    if (to.value.trim()) query.set("to", to.value.trim());
    try {
      const done = await post(`/api/upload?${query}`, file.slice());
      made.close();
      tell(done.reply || "Done");
      if (done.key) go(`/messages/${encodeURIComponent(done.key)}`);
    } catch (error) {
      fill(said, problem(error.message));
    }
  }
  const receive = h(
    "button",
    { class: "button main-action", type: "button", onclick: () => upload("receive") },
    "Receive it",
  );
  const made = dialog(
    "A message from a file",
    h("p", { class: "soft" }, `${file.name}, ${size(file.size)}`),
    h(
      "div",
      { class: "two" },
      h("div", { class: "field" }, h("label", { for: "drop-from" }, "Envelope sender"), from),
      h("div", { class: "field" }, h("label", { for: "drop-to" }, "Envelope recipients"), to),
    ),
    said,
    h(
      "div",
      { class: "row" },
      receive,
      h("button", { class: "button", type: "button", onclick: () => upload("send") }, "Send it"),
      h("button", { class: "button bare", type: "button", onclick: () => made.close() }, "Cancel"),
    ),
  );
  receive.focus();
}
