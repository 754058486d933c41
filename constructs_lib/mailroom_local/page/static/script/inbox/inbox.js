// The inbox: the list at the left, the chosen message at the right, kept up to date.

import { get, messageUrl, post } from "../api.js";
import { onKey } from "../keys.js";
import { live } from "../live.js";
import { message } from "../message/message.js";
import { FILTERS, current, go, inboxAddress } from "../route.js";
import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { attempt } from "../shared/notices.js";
import { empty, problem } from "../shared/pieces.js";
import { counts } from "../side.js";
import { tools } from "./tools.js";
import { rows } from "./rows.js";
import { firstMail, nothingFound } from "./nothing.js";

const PAGE = 100;
// A deeper row that changed is read by itself, unless so many did that a person cannot follow.
const SINGLE = 12;
const PAUSE_MS = 120;

export function inbox(where) {
  let { filters, key } = where;
  let next = null;
  let asked = 0;
  let loading = false;
  let pause = 0;
  let changed = new Set();
  const gone = new AbortController();

  const reader = h("section", { class: "reader", "aria-label": "Message" });
  const bar = tools({
    change: (name, value) =>
      go(inboxAddress({ ...current().filters, [name]: value }, key), { replace: name === "q" }),
    readAll,
  });
  const list = rows({ open, more, address: (one) => inboxAddress(filters, one) });
  const element = h(
    "div",
    { class: "inbox" },
    h("section", { class: "list", "aria-label": "Messages" }, bar.element, list.element),
    reader,
  );
  let shown = null;

  async function load() {
    const mine = ++asked;
    try {
      const found = await get("/api/messages", { ...filters, limit: PAGE });
      if (mine !== asked) return;
      next = found.next;
      list.set(found.messages, found.total);
      about(found);
      list.choose(key);
    } catch (error) {
      if (mine === asked) list.instead(problem(error.message));
    }
  }

  function about(found) {
    bar.show(filters, found);
    counts(found.counts);
    if (found.total) return;
    const narrowed = FILTERS.some((name) => name !== "folder" && filters[name]);
    list.instead(narrowed ? nothingFound() : firstMail(filters.folder));
  }

  async function more() {
    if (loading || !next) return;
    loading = true;
    const mine = asked;
    const found = await attempt(() => get("/api/messages", { ...filters, limit: PAGE, before: next }));
    loading = false;
    if (!found || mine !== asked) return;
    next = found.next;
    list.append(found.messages);
  }

  /** Read again what may have changed: the newest page, and the deeper rows one by one. */
  async function refresh() {
    const keys = changed;
    changed = new Set();
    pause = 0;
    const mine = asked;
    const found = await get("/api/messages", { ...filters, limit: PAGE }).catch(() => null);
    if (!found || mine !== asked) return;
    if (!list.merge(found.messages, found.total)) next = found.next;
    about(found);
    const newest = new Set(found.messages.map((one) => one.key));
    const deeper = [...keys].filter((one) => list.has(one) && !newest.has(one));
    for (const one of deeper.slice(0, SINGLE)) list.replace(await get(messageUrl(one)).catch(() => null));
    if (shown && (keys.has(key) || keys.size === 0)) shown.refresh();
  }

  function open(one) {
    go(inboxAddress(filters, one));
  }

  async function read(keys, unread = false) {
    const answer = await attempt(() => post("/api/read", unread ? { keys, unread: true } : { keys }));
    if (!answer) return;
    counts(answer.counts);
    list.mark(keys, unread);
  }

  async function readAll() {
    const answer = await attempt(() => post("/api/read", { all: true }));
    if (answer) await load();
  }

  function show() {
    shown?.close();
    shown = null;
    element.classList.toggle("reading", key !== null);
    if (key === null) {
      fill(
        reader,
        empty(
          "all",
          "No message is open",
          h(
            "p",
            {},
            "Select one to read it and see its story: which rules matched, what each action did, and why.",
          ),
        ),
      );
      return;
    }
    const back = h(
      "button",
      { class: "button small bare back", type: "button", onclick: close },
      icon("back"),
      "Back",
    );
    shown = message(key, {
      back,
      loaded: (found) => found.unread && read([found.key]),
      unread: () => read([key], true),
    });
    fill(reader, shown.element);
    reader.scrollTop = 0;
  }

  function close() {
    if (key === null) return false;
    go(inboxAddress(filters));
    list.focus();
    return true;
  }

  function move(by) {
    const one = list.move(by);
    // With a message open, the next one is opened; otherwise it is only chosen.
    if (one && key !== null) go(inboxAddress(filters, one), { replace: true });
  }

  const keys = [
    onKey("j", () => move(1)),
    onKey("k", () => move(-1)),
    onKey("ArrowDown", () => (list.focused() ? move(1) : false)),
    onKey("ArrowUp", () => (list.focused() ? move(-1) : false)),
    onKey("Enter", () => {
      if (!list.chosen()) return false;
      open(list.chosen());
      shown?.focus();
      return true;
    }),
    onKey("Escape", close),
    onKey("/", () => {
      if (key !== null && matchMedia("(max-width: 1000px)").matches) close();
      bar.search();
    }),
    onKey("u", () => (key ?? list.chosen()) && read([key ?? list.chosen()], true)),
  ];
  live.addEventListener(
    "messages",
    ({ detail }) => {
      for (const one of detail.keys) changed.add(one);
      pause ||= setTimeout(refresh, PAUSE_MS);
    },
    { signal: gone.signal },
  );

  bar.show(filters, null);
  show();
  load();
  return {
    element,
    shown: () => list.draw(),
    update(next_) {
      const narrowed = FILTERS.some((name) => next_.filters[name] !== filters[name]);
      const other = next_.key !== key;
      ({ filters, key } = next_);
      if (narrowed) {
        list.top();
        load();
      }
      if (other) {
        list.choose(key);
        show();
      }
    },
    close() {
      gone.abort();
      clearTimeout(pause);
      bar.close();
      shown?.close();
      for (const release of keys) release();
    },
  };
}
