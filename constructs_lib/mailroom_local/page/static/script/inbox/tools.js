// Search and filters above the list.

import { h, fill } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { many, shortName } from "../shared/format.js";

const PAUSE_MS = 150;
const CHOICES = {
  rule: ["rules", "Any rule"],
  outcome: ["outcomes", "Any outcome"],
  event: ["events", "Any event"],
};

export function tools({ change, readAll }) {
  let typed = 0;
  const search = h("input", {
    class: "input",
    type: "search",
    placeholder: "Search",
    "aria-label": "Search subject, addresses, id and text",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      clearTimeout(typed);
      typed = setTimeout(() => change("q", search.value.trim()), PAUSE_MS);
    },
    onkeydown: (event) => event.key === "Enter" && search.blur(),
  });
  const selects = Object.fromEntries(
    Object.entries(CHOICES).map(([name, [, any]]) => [
      name,
      h(
        "select",
        { class: "input", "aria-label": any, onchange: (event) => change(name, event.target.value) },
        h("option", { value: "" }, any),
      ),
    ]),
  );
  const found = h("span", { role: "status" });
  const all = h(
    "button",
    { class: "button small bare", type: "button", onclick: readAll },
    "Mark all as read",
  );
  const element = h(
    "div",
    { class: "tools" },
    h(
      "div",
      { class: "search", role: "search" },
      icon("search"),
      search,
      h("kbd", { "aria-hidden": "true" }, "/"),
    ),
    h("div", { class: "filters" }, Object.values(selects)),
    h("div", { class: "found" }, found, all),
  );

  return {
    element,
    /** What was typed last must not bring back a view that was left. */
    close: () => clearTimeout(typed),
    search() {
      search.focus();
      search.select();
    },
    show(filters, answer) {
      if (document.activeElement !== search) search.value = filters.q;
      for (const [name, select] of Object.entries(selects)) {
        const [of, any] = CHOICES[name];
        const known = answer?.filters[of] ?? [...select.options].slice(1).map((option) => option.value);
        const values = filters[name] && !known.includes(filters[name]) ? [filters[name], ...known] : known;
        if (document.activeElement !== select || select.options.length !== values.length + 1) {
          fill(
            select,
            h("option", { value: "" }, any),
            values.map((value) => h("option", { value }, shortName(value))),
          );
        }
        select.value = filters[name];
        select.classList.toggle("set", filters[name] !== "");
        select.disabled = values.length === 0;
      }
      if (!answer) return;
      const unread = answer.counts.all?.unread ?? 0;
      const left =
        filters.q && answer.unsearched ? `, ${many(answer.unsearched, "text")} not searched yet` : "";
      found.textContent = many(answer.total, "message") + left;
      all.hidden = unread === 0;
    },
  };
}
