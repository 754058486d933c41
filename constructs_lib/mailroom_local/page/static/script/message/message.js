// One message: who, when and what happened, its content, its story, and what can be done with it.

import { get, messageUrl, post } from "../api.js";
import { current, go, inboxAddress } from "../route.js";
import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { duration, full, many, shortNames, size } from "../shared/format.js";
import { attempt, tell } from "../shared/notices.js";
import { badge, opens, problem } from "../shared/pieces.js";
import { content } from "./content.js";
import { happen } from "./happen.js";
import { story } from "./story.js";

const STATUS = { ok: "good", pending: "warn", failed: "bad", refused: "bad" };

export function message(key, { back, loaded, unread }) {
  const title = h("h1", { tabindex: "-1" }, "…");
  const rest = h("div", { class: "stacked" });
  const columns = h("div", { class: "message-columns" });
  const element = h(
    "article",
    { class: "message" },
    h(
      "header",
      { class: "message-head" },
      h(
        "div",
        { class: "title" },
        back,
        title,
        h(
          "button",
          {
            class: "button square bare",
            type: "button",
            title: "Mark as unread (u)",
            "aria-label": "Mark as unread",
            onclick: () => unread(),
          },
          icon("unread"),
        ),
      ),
      rest,
    ),
    columns,
  );
  let closed = false;
  let before = "";
  let shownContent = null;

  async function load() {
    try {
      const found = await get(messageUrl(key));
      if (!closed) show(found);
    } catch (error) {
      if (closed) return;
      title.textContent = "This message cannot be shown";
      fill(rest, problem(error.message));
    }
  }

  function show(found) {
    // Only at first: what is marked as unread while it is open stays so.
    if (!before) loaded(found);
    const { unread: _, ...lasting } = found;
    const now = JSON.stringify(lasting);
    if (now === before) return;
    before = now;
    title.textContent = found.subject || "(no subject)";
    fill(rest, addresses(found), badges(found), actions(found), details(found));
    // A mail's content never changes: the open tab and its place are kept.
    shownContent ??= content(found);
    const old = columns.querySelector(".story");
    const open = old ? [...old.querySelectorAll("details")].map((one) => one.open) : [];
    fill(columns, shownContent, story(found));
    [...columns.querySelectorAll(".story details")].forEach((one, index) => open[index] && (one.open = true));
  }

  function actions(found) {
    const again = h(
      "button",
      {
        class: "button",
        type: "button",
        disabled: !found.raw,
        title: found.raw ? null : "The message's bytes were not kept",
        onclick: () => sendAgain(again),
      },
      icon("again"),
      found.kind === "sent" ? "Send again" : "Receive again",
    );
    return h(
      "div",
      { class: "row actions" },
      found.kind === "sent"
        ? h(
            "button",
            { class: "button", type: "button", onclick: () => happen(found) },
            icon("event"),
            "Make an event happen",
          )
        : null,
      again,
      h(
        "a",
        { class: "button", href: `/stack?message=${encodeURIComponent(key)}` },
        icon("path"),
        "Show its path",
      ),
      found.raw
        ? h(
            "a",
            { class: "button", href: messageUrl(key, "/raw?download=1"), download: `${key}.eml` },
            icon("download"),
            "Download .eml",
          )
        : null,
    );
  }

  async function sendAgain(button) {
    button.disabled = true;
    const done = await attempt(() => post(messageUrl(key, "/again")));
    button.disabled = false;
    if (!done) return;
    tell(done.reply || "Done");
    if (done.key) go(inboxAddress(current().filters, done.key));
  }

  load();
  return { element, refresh: load, focus: () => title.focus(), close: () => (closed = true) };
}

function addresses(found) {
  const named = found.from_name && !found.from.includes("<");
  const from = named ? `${found.from_name} <${found.from}>` : found.from || "(empty sender)";
  return h(
    "dl",
    { class: "addresses" },
    [h("dt", {}, "From"), h("dd", {}, from)],
    [h("dt", {}, "To"), h("dd", {}, found.to.join(", "))],
    [
      h("dt", {}, "Date"),
      h(
        "dd",
        {},
        h("time", { datetime: found.at }, full(found.at)),
        h(
          "span",
          { class: "faint" },
          ` · ${size(found.size)}`,
          found.ms === null || found.ms === undefined ? "" : ` · done in ${duration(found.ms)}`,
        ),
      ),
    ],
  );
}

function badges(found) {
  const status =
    { ok: found.kind === "sent" ? "sent" : "received", pending: "in progress" }[found.status] ?? found.status;
  const verdicts = Object.entries(found.verdicts ?? {}).filter(([, value]) => value);
  const colour = { PASS: "good", FAIL: "bad", GRAY: "warn", PROCESSING_FAILED: "bad" };
  return h(
    "div",
    { class: "row" },
    badge(
      found.why ? `${status}: ${shortNames(found.why)}` : status,
      STATUS[found.status],
      found.why || null,
    ),
    verdicts.map(([name, value]) => badge(`${NAMES[name] ?? name} ${value}`, colour[value] ?? "")),
    found.defects?.length
      ? badge(many(found.defects.length, "defect"), "warn", found.defects.join("\n"))
      : null,
  );
}

const NAMES = { spam: "Spam", virus: "Virus", spf: "SPF", dkim: "DKIM", dmarc: "DMARC" };

function details(found) {
  const tags = Object.entries(found.tags ?? {}).map(([name, value]) => `${name}=${value}`);
  const facts = {
    "Message id": found.message_id,
    "Envelope sender": found.kind === "sent" ? null : found.mail_from || "(empty)",
    "Envelope recipients": found.rcpt_tos?.join(", "),
    Encryption: found.kind === "sent" ? null : found.tls ? "received over TLS" : "received without TLS",
    "Sent by": found.operation,
    "Configuration set": found.configuration_set,
    Tags: tags.join(", "),
    Defects: found.defects?.join("; "),
  };
  const said = Object.entries(facts).filter(([, value]) => value);
  return opens("Envelope and details", () =>
    h(
      "dl",
      { class: "facts" },
      said.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
  );
}
