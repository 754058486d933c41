// Calls of functions: how each ended, what it printed, and where in the user's code it failed.

import { h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { duration, many, seconds, shortName, tone } from "../shared/format.js";
import { badge, opens } from "../shared/pieces.js";

/** The last call of each function in full, its earlier tries folded away. */
export function calls(found) {
  const tries = Map.groupBy?.(found, (one) => one.arn || one.function) ?? grouped(found);
  return [...tries.values()].map((same) => {
    const last = same.at(-1);
    const earlier = same.slice(0, -1);
    const failed = earlier.filter((one) => one.failed).length;
    const title =
      failed === earlier.length
        ? many(earlier.length, "earlier try", "earlier tries")
        : many(earlier.length, "earlier call");
    return h(
      "div",
      { class: "call" },
      call(last, same.length),
      earlier.length
        ? opens(title, () =>
            h(
              "div",
              { class: "deeds" },
              earlier.map((one) => h("div", { class: "deed" }, call(one, same.length))),
            ),
          )
        : null,
    );
  });
}

function grouped(found) {
  const groups = new Map();
  for (const one of found) {
    const name = one.arn || one.function;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return groups;
}

function call(one, count) {
  const when = [
    one.at ? seconds(one.at) : "",
    one.ms === null || one.ms === undefined ? "" : duration(one.ms),
  ]
    .filter(Boolean)
    .join(" · ");
  return [
    h(
      "div",
      { class: "step-head" },
      icon("function"),
      h("strong", { title: one.arn }, shortName(one.function)),
      badge(one.outcome, one.failed ? "bad" : tone(one.outcome)),
      count > 1 || one.try > 1 ? h("span", { class: "faint" }, `try ${one.try}`) : null,
      h("span", { class: "when" }, when),
    ),
    one.failed ? error(one) : null,
    one.source?.length ? source(one.source) : null,
    one.traceback?.length
      ? opens("Traceback", () => traceback(one), { open: one.final && !one.source?.length })
      : null,
    one.output?.length ? output(one) : null,
    one.failed ? fate(one) : null,
  ];
}

function error(one) {
  const said = [one.error, one.detail?.trim()].filter(Boolean).join(": ") || "It failed without a reason.";
  return h(
    "div",
    { class: "call-error" },
    h("p", {}, said),
    one.place ? h("span", { class: "place" }, one.place) : null,
  );
}

/** The lines of the user's code around the one that failed. */
function source(lines) {
  const width = String(lines.at(-1).number).length;
  const depth = Math.min(...lines.filter((one) => one.text.trim()).map((one) => one.text.search(/\S/)));
  return h(
    "pre",
    { class: "console code", tabindex: "0", "aria-label": "Your code" },
    lines.map(({ number, text, raised }) => {
      const line = `${raised ? "›" : " "} ${String(number).padStart(width)}  ${text.slice(depth)}`;
      return raised ? h("mark", { class: "yours" }, line) : `${line}\n`;
    }),
  );
}

/** The traceback with the lines of the user's own frame marked. */
function traceback({ traceback: lines, place }) {
  const [file, line] = (place ?? "").split(":");
  const name = file?.split("/").at(-1);
  let inside = false;
  const all = lines.flatMap((one) => one.replace(/\n$/, "").split("\n"));
  return h(
    "pre",
    { class: "console code", tabindex: "0", "aria-label": "Traceback" },
    all.map((text) => {
      const frame = /^\s*File "([^"]*)", line (\d+)/.exec(text);
      if (frame) inside = Boolean(name) && frame[1].endsWith(name) && frame[2] === line;
      else if (/^\S/.test(text)) inside = false;
      return inside ? h("mark", { class: "yours" }, text) : `${text}\n`;
    }),
  );
}

const SEVERE = /\b(ERROR|CRITICAL|Traceback|Exception)\b/;

function output({ output: lines, omitted }) {
  return h(
    "pre",
    { class: "console", tabindex: "0", "aria-label": "Output" },
    lines.map((text) => [SEVERE.test(text) ? h("span", { class: "severe" }, text) : text, "\n"]),
    omitted
      ? h("span", { class: "faint" }, `… ${many(omitted, "more line")}: mailroom tail shows them`)
      : null,
  );
}

function fate({ final, dead_letter_queue: queue }) {
  if (queue)
    return h(
      "p",
      { class: "notice bad" },
      icon("dead"),
      h(
        "span",
        {},
        "Now in the dead-letter queue ",
        h("a", { href: "/dead-letters" }, shortName(queue.split(":").at(-1))),
      ),
    );
  if (!final) return h("p", { class: "why-not" }, "It will be tried again.");
  return null;
}
