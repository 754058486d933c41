// A list of any length of which only the rows in sight exist.

import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { many } from "../shared/format.js";
import { row } from "./row.js";

const HEIGHT = 76;
const BEYOND = 8;
// The next page is asked for before its place is in sight.
const AHEAD = 25;

export function rows({ open, more, address }) {
  let found = [];
  let total = 0;
  let chosen = null;
  let waiting = 0;
  let drawn = new Map();
  const inner = h("div", { class: "rows", role: "presentation" });
  const fresh = h("div", { class: "fresh", hidden: true });
  const nothing = h("div", { class: "nothing", hidden: true });
  const scroller = h(
    "div",
    {
      class: "scroller",
      role: "listbox",
      tabindex: "0",
      "aria-label": "Messages, newest first",
      "data-focus": "",
    },
    inner,
  );
  const element = h("div", { class: "list-box" }, fresh, scroller, nothing);

  function draw() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / HEIGHT) - BEYOND);
    const last = Math.min(
      found.length,
      Math.ceil((scroller.scrollTop + scroller.clientHeight) / HEIGHT) + BEYOND,
    );
    inner.style.height = `${found.length * HEIGHT}px`;
    const kept = new Map();
    for (let index = first; index < last; index += 1) {
      const one = found[index];
      const old = drawn.get(one.key);
      const same = old && old.of === one;
      const made = same ? old.made : row(one, { address: address(one.key) });
      made.style.top = `${index * HEIGHT}px`;
      made.style.height = `${HEIGHT}px`;
      made.id = `row-${index}`;
      made.setAttribute("aria-posinset", index + 1);
      made.setAttribute("aria-setsize", total);
      made.setAttribute("aria-selected", String(one.key === chosen));
      kept.set(one.key, { of: one, made });
    }
    for (const [key, { made }] of drawn) if (kept.get(key)?.made !== made) made.remove();
    for (const { made } of kept.values())
      if (!made.isConnected || made.parentNode !== inner) inner.append(made);
    drawn = kept;
    const index = position(chosen);
    if (index >= first && index < last) scroller.setAttribute("aria-activedescendant", `row-${index}`);
    else scroller.removeAttribute("aria-activedescendant");
    if (last > found.length - AHEAD && found.length < total) more();
  }

  /** Show this instead of the list, or the list. */
  function show(content = null) {
    fill(nothing, content);
    nothing.hidden = content === null;
    scroller.hidden = content !== null;
  }

  function position(key) {
    return key === null ? -1 : found.findIndex((one) => one.key === key);
  }

  function reveal(index) {
    const top = index * HEIGHT;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + HEIGHT > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top + HEIGHT - scroller.clientHeight;
    draw();
  }

  function announce() {
    fresh.hidden = waiting === 0;
    fill(
      fresh,
      h(
        "button",
        { class: "button small", type: "button", onclick: top },
        icon("sent"),
        many(waiting, "new message"),
      ),
    );
  }

  function top() {
    scroller.scrollTop = 0;
    waiting = 0;
    announce();
    draw();
  }

  scroller.addEventListener("scroll", () => {
    if (scroller.scrollTop < HEIGHT && waiting) {
      waiting = 0;
      announce();
    }
    requestAnimationFrame(draw);
  });
  scroller.addEventListener("click", (event) => {
    const made = event.target.closest(".message-row");
    if (!made || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    chosen = made.dataset.key;
    draw();
    open(chosen);
  });
  new ResizeObserver(() => draw()).observe(scroller);

  return {
    element,
    draw,
    top,
    chosen: () => chosen,
    has: (key) => position(key) >= 0,
    set(messages, count) {
      found = messages;
      total = count;
      waiting = 0;
      announce();
      show();
      draw();
    },
    append(messages) {
      const known = new Set(found.map((one) => one.key));
      found = [...found, ...messages.filter((one) => !known.has(one.key))];
      draw();
    },
    /** Put the newest page in; what is in sight stays where it is. False if it does not join. */
    merge(messages, count) {
      total = count;
      const keys = new Set(messages.map((one) => one.key));
      const known = new Set(found.map((one) => one.key));
      const joins = found.length === 0 || messages.some((one) => known.has(one.key));
      const added = messages.filter((one) => !known.has(one.key)).length;
      const old = new Map(found.map((one) => [one.key, one]));
      const same = (one) => JSON.stringify(old.get(one.key)) === JSON.stringify(one);
      const page = messages.map((one) => (same(one) ? old.get(one.key) : one));
      const last = messages.at(-1);
      // What is newer than the page's end and not in it has left the folder.
      const rest = found.filter((one) => !keys.has(one.key) && last && one.at <= last.at);
      found = joins ? [...page, ...rest] : page;
      show();
      const away = scroller.scrollTop >= HEIGHT;
      draw();
      if (away && added && joins) {
        scroller.scrollTop += added * HEIGHT;
        waiting += added;
        announce();
        draw();
      }
      return joins && found.length > messages.length;
    },
    replace(one) {
      const index = one ? position(one.key) : -1;
      if (index < 0) return;
      found[index] = one;
      draw();
    },
    mark(keys, unread) {
      found = found.map((one) => (keys.includes(one.key) ? { ...one, unread } : one));
      draw();
    },
    choose(key) {
      if (key === null) return;
      chosen = key;
      const index = position(key);
      if (index >= 0) reveal(index);
      else draw();
    },
    move(by) {
      if (!found.length) return null;
      const index = Math.min(found.length - 1, Math.max(0, position(chosen) < 0 ? 0 : position(chosen) + by));
      chosen = found[index].key;
      reveal(index);
      return chosen;
    },
    focus: () => scroller.focus(),
    focused: () => document.activeElement === scroller,
    instead(content) {
      found = [];
      total = 0;
      draw();
      show(content);
    },
  };
}
