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
  const found = [];
  if (one.status === "failed" || one.status === "refused") {
    found.push(badge(`${one.status}${one.why ? `: ${shortNames(one.why)}` : ""}`, "bad", one.why));
  }
  if (one.status === "pending") found.push(badge("in progress", "warn"));
  // A message that was read by itself lists its attachments; the list counts them.
  const files = one.attachments?.length ?? one.attachments;
  if (files) {
    found.push(
      h(
        "span",
        { class: "badge", title: "Attachments" },
        icon("clip"),
        String(files),
        h("span", { class: "unseen" }, " attachments"),
      ),
    );
  }
  for (const name of one.rules.slice(0, MOST)) found.push(badge(shortName(name), "accent", `Rule ${name}`));
  if (one.rules.length > MOST) found.push(badge(`+${one.rules.length - MOST}`, "accent"));
  const events = Object.entries(one.events ?? {});
  // Send says nothing once there is another event.
  const telling = events.length > 1 ? events.filter(([kind]) => kind !== "Send") : events;
  for (const [kind, count] of telling) found.push(badge(count > 1 ? `${kind} ${count}` : kind, tone(kind)));
  return found;
}
