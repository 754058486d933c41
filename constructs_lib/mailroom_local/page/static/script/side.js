// The navigation: folders with what is unread, the other views, and where the mail servers are.

import { get } from "./api.js";
import { help } from "./keys.js";
import { live } from "./live.js";
import { current, inboxAddress } from "./route.js";
import { fill, h } from "./shared/dom.js";
import { icon } from "./shared/icons.js";

const FOLDERS = { all: "All mail", received: "Received", sent: "Sent", refused: "Refused", failed: "Failed" };
const PAGES = { stack: "Stack", "dead-letters": "Dead letters", deployments: "Deployments" };

const links = new Map();
const about_ = h("div", { class: "about" });

export function build() {
  const folders = Object.entries(FOLDERS).map(([name, title]) =>
    link(name, inboxAddress({ folder: name }), name, title),
  );
  const pages = Object.entries(PAGES).map(([name, title]) =>
    link(name, `/${name}`, name === "dead-letters" ? "dead" : name, title),
  );
  fill(
    document.getElementById("side"),
    h("a", { class: "brand", href: "/" }, h("img", { src: "/static/icon.svg", alt: "" }), "Mailroom"),
    h("a", { class: "button main-action compose", href: "/compose" }, icon("compose"), "Compose"),
    h(
      "div",
      { class: "navs" },
      h("nav", { class: "nav", "aria-label": "Folders" }, folders),
      h("nav", { class: "nav", "aria-label": "Account" }, pages),
    ),
    about_,
  );
  live.addEventListener("messages", ({ detail }) => {
    if (detail.counts) counts(detail.counts);
    deadLetters();
  });
  live.addEventListener("stack", deadLetters);
  readDeadLetters();
  // The inbox brings them along.
  if (current().view !== "inbox") readCounts();
}

function link(name, address, drawn, title) {
  const count = h("span", { class: "count" });
  const made = h("a", { href: address }, icon(drawn), h("span", { class: "name" }, title), count);
  links.set(name, { made, count, title });
  return made;
}

/** Mark where we are. */
export function mark({ view, filters }) {
  const here = view === "inbox" ? filters.folder : view;
  for (const [name, { made }] of links) {
    if (name === here) made.setAttribute("aria-current", "page");
    else made.removeAttribute("aria-current");
  }
}

/** Show what is unread in each folder, or else how many messages it has. */
export function counts(found) {
  for (const [name, { total, unread }] of Object.entries(found)) {
    const { count } = links.get(name) ?? {};
    if (!count) continue;
    count.className = unread ? "count new" : "count";
    fill(count, String(unread || total || ""), unread ? h("span", { class: "unseen" }, " unread") : null);
  }
  const unread = found.all?.unread ?? 0;
  if (current().view === "inbox") document.title = `${unread ? `(${unread}) ` : ""}Inbox · Mailroom`;
}

const PAUSE_MS = 2000;
let waiting = 0;

/** Ask again how many dead letters there are, but not after each of many messages. */
function deadLetters() {
  waiting ||= setTimeout(() => {
    waiting = 0;
    readDeadLetters();
  }, PAUSE_MS);
}

async function readDeadLetters() {
  const { queues } = await get("/api/dead-letters", { messages: "no" }).catch(() => ({ queues: [] }));
  const depth = queues.reduce((sum, queue) => sum + queue.depth, 0);
  const { count } = links.get("dead-letters");
  count.className = depth ? "count bad" : "count";
  count.textContent = depth || "";
}

async function readCounts() {
  const found = await get("/api/messages", { limit: 1 }).catch(() => null);
  if (found) counts(found.counts);
}

export function about(found) {
  const state = h("span", { class: "live", role: "status" }, "live");
  live.addEventListener("state", ({ detail }) => {
    state.className = detail ? "live" : "live off";
    state.textContent = detail ? "live" : "reconnecting";
  });
  fill(
    about_,
    h("span", {}, `Account ${found.account}`),
    h("span", {}, found.region),
    h("span", {}, `SMTP in: port ${found.smtp_port}`),
    h("span", {}, `SMTP out: port ${found.submission_port}`),
    h(
      "div",
      { class: "row" },
      state,
      h(
        "button",
        { class: "button small bare", type: "button", onclick: help },
        "Keyboard ",
        h("kbd", {}, "?"),
      ),
    ),
  );
}
