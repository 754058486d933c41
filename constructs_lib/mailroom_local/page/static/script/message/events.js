// The events of a sent mail along the time since it was sent.

import { h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { after, full, resource, seconds, tone } from "../shared/format.js";
import { badge, opens, payload } from "../shared/pieces.js";
import { calls } from "./calls.js";

export function events(found, { at, configuration_set: set, relayed_to: server }) {
  if (server) return h("p", { class: "soft" }, `A gateway relayed it to ${server}.`);
  if (!found.length) {
    return h(
      "p",
      { class: "soft" },
      set
        ? "No event has happened yet."
        : "It was sent without a configuration set, so SES publishes no events about it.",
    );
  }
  const first = found.find((one) => one.kind === "Send")?.at ?? at;
  return h(
    "ol",
    { class: "steps" },
    found.map((one) => event(one, first)),
  );
}

function event(one, first) {
  return h(
    "li",
    { class: "step" },
    h("span", { class: `dot ${tone(one.kind) || "accent"}` }),
    h(
      "div",
      { class: "step-head" },
      h("h3", {}, one.kind),
      one.recipient ? h("span", { class: "why-not" }, one.recipient) : null,
      h(
        "time",
        { class: "when", datetime: one.at, title: full(one.at) },
        one.at === first ? seconds(one.at) : after(one.at, first),
      ),
    ),
    one.summary ? h("p", { class: "soft" }, one.summary) : null,
    h(
      "div",
      { class: "deeds" },
      one.destinations?.length
        ? h("ul", { class: "took" }, one.destinations.map(destination))
        : h("p", { class: "why-not" }, "No event destination takes it."),
      one.calls?.length ? h("div", { class: "deed" }, calls(one.calls)) : null,
      opens("Payload", () => payload(one.payload)),
    ),
  );
}

function destination(one) {
  return h(
    "li",
    {},
    icon("arrow"),
    h("strong", {}, resource(one.name)),
    one.type ? h("span", { class: "faint" }, one.type) : null,
    one.outcome ? badge(one.outcome) : null,
    one.detail
      ? h("span", { class: "soft" }, typeof one.detail === "string" ? one.detail : JSON.stringify(one.detail))
      : null,
  );
}
