// One message of the list.

import { h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { full, short, shortName, shortNames, tone } from "../shared/format.js";
import { badge } from "../shared/pieces.js";

const MOST = 3;

export function row(one, { address }) {
  const sent = one.kind === "sent";
  const people = sent ? `To ${one.to.join(", ")}` : one.from_name || one.from || "(empty sender)";
  const kind = one.status === "failed" ? "failed" : one.kind;
  return h(
    "a",
    {
      class: `message-row ${one.unread ? "unread" : ""}`,
      href: address,
      role: "option",
      tabindex: "-1",
      "data-key": one.key,
      title: sent ? `From ${one.from}` : `To ${one.to.join(", ")}`,
    },
    icon(kind),
    h("span", { class: "who" }, people),
    h("time", { datetime: one.at, title: full(one.at) }, short(one.at)),
    h(
      "span",
      { class: "subject" },
      one.unread ? h("span", { class: "unseen" }, "Unread: ") : null,
      one.subject || "(no subject)",
    ),
    h("span", { class: "marks" }, marks(one)),
  );
}

function marks(one) {
  const bad = one.status === "failed" || one.status === "refused";
  const why = one.why ? `: ${shortNames(one.why)}` : "";
  return [
    bad ? badge(one.status + why, "bad", one.why) : null,
    one.status === "pending" ? badge("in progress", "warn") : null,
    files(one),
    // Why it failed needs the room; the story names the rules.
    bad ? null : rules(one.rules),
    events(one.events ?? {}),
  ];
}

function files({ attachments }) {
  // A message that was read by itself lists its attachments; the list counts them.
  const count = attachments?.length ?? attachments;
  if (!count) return null;
  const said = h("span", { class: "unseen" }, " attachments");
  return h("span", { class: "badge", title: "Attachments" }, icon("clip"), String(count), said);
}

function rules(names) {
  const more = names.length - MOST;
  return [
    names.slice(0, MOST).map((name) => badge(shortName(name), "accent", `Rule ${name}`)),
    more > 0 ? badge(`+${more}`, "accent") : null,
  ];
}

function events(found) {
  const all = Object.entries(found);
  // Send says nothing once there is another event.
  const telling = all.length > 1 ? all.filter(([kind]) => kind !== "Send") : all;
  return telling.map(([kind, count]) => badge(count > 1 ? `${kind} ${count}` : kind, tone(kind)));
}
