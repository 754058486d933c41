// Writes a message: received from outside, or sent by the account.

import { get, post } from "../api.js";
import { go } from "../route.js";
import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { tell } from "../shared/notices.js";
import { problem } from "../shared/pieces.js";
import { addresses, attachments, field, line, pairs } from "./fields.js";

const VERDICTS = { spam: "Spam", virus: "Virus", spf: "SPF", dkim: "DKIM", dmarc: "DMARC" };
const VALUES = ["", "PASS", "FAIL", "GRAY", "PROCESSING_FAILED"];

export function compose({ query }) {
  const receive = h(
    "button",
    { type: "button", onclick: () => choose("receive") },
    "Receive: from outside to the account",
  );
  const send = h("button", { type: "button", onclick: () => choose("send") }, "Send: from the account");
  const from = line({ name: "from", required: true });
  const to = line({ name: "to", required: true });
  const cc = line({ name: "cc" });
  const subject = line({ name: "subject" });
  const text = h("textarea", { class: "input", name: "text" });
  const html = h("textarea", { class: "input mono", name: "html", spellcheck: "false" });
  const files = attachments();
  const headers = pairs("header");
  const tags = pairs("tag");
  const client = line({ placeholder: "127.0.0.1" });
  const set = h("select", { class: "input" }, h("option", { value: "" }, "none"));
  const tls = h("input", { type: "checkbox", checked: true, id: "compose-tls" });
  const verdicts = Object.entries(VERDICTS).map(([name, title]) => [
    name,
    h(
      "select",
      { class: "input" },
      VALUES.map((one) => h("option", { value: one }, one || "as found")),
    ),
    title,
  ]);
  const said = h("div", { role: "alert" });
  const submit = h("button", { class: "button main-action" });
  const ofReceiving = h(
    "div",
    { class: "stacked" },
    h(
      "fieldset",
      { class: "field" },
      h("legend", {}, "Verdicts to rehearse"),
      h(
        "div",
        { class: "verdicts" },
        verdicts.map(([, input, title]) => field(title, input)),
      ),
    ),
    h(
      "div",
      { class: "two" },
      field("Client address", client, "The address that the mail seems to come from, to try IP filters."),
      h(
        "div",
        { class: "field" },
        h("span", { class: "label" }, "Encryption"),
        h("label", { class: "row tick", for: "compose-tls" }, tls, "STARTTLS"),
      ),
    ),
  );
  const ofSending = h(
    "div",
    { class: "stacked" },
    field("Configuration set", set, "Without one, SES publishes no events."),
    h("fieldset", { class: "field" }, h("legend", {}, "Message tags"), tags.element),
  );
  let direction = "";

  function choose(one) {
    direction = one;
    receive.setAttribute("aria-pressed", String(one === "receive"));
    send.setAttribute("aria-pressed", String(one === "send"));
    ofReceiving.hidden = one !== "receive";
    ofSending.hidden = one !== "send";
    from.placeholder = one === "receive" ? "jane@customer.example" : "news@example.com";
    to.placeholder = one === "receive" ? "support@example.com" : "jane@customer.example";
    fill(submit, icon(one === "receive" ? "received" : "sent"), one === "receive" ? "Receive it" : "Send it");
  }

  async function deliver(event) {
    event.preventDefault();
    submit.disabled = true;
    fill(said);
    try {
      const body = {
        direction,
        from: from.value.trim(),
        to: addresses(to),
        cc: addresses(cc),
        subject: subject.value,
        text: text.value,
        html: html.value,
        headers: headers.values().map(([name, value]) => ({ name, value })),
        attachments: await files.read(),
      };
      if (direction === "receive") {
        body.verdicts = Object.fromEntries(
          verdicts.map(([name, input]) => [name, input.value]).filter(([, value]) => value),
        );
        body.tls = tls.checked;
        if (client.value.trim()) body.client_address = client.value.trim();
      } else {
        if (set.value) body.configuration_set = set.value;
        body.tags = Object.fromEntries(tags.values());
      }
      const done = await post("/api/compose", body);
      tell(done.reply || "Done");
      for (const one of done.refused ?? []) tell(`${one.address}: ${one.reply}`, "bad");
      go(done.key ? `/messages/${encodeURIComponent(done.key)}` : "/");
    } catch (error) {
      const { key } = error.body ?? {};
      fill(
        said,
        problem(error.message),
        key ? h("a", { href: `/messages/${encodeURIComponent(key)}` }, "See its story") : null,
      );
      said.scrollIntoView({ block: "nearest" });
    } finally {
      submit.disabled = false;
    }
  }

  /** Offer what the account has: recipients of rules, senders and configuration sets. */
  async function offer() {
    const { environments } = await get("/api/stack").catch(() => ({ environments: [] }));
    const rules = environments.flatMap((one) => one.rule_sets.flatMap((each) => each.rules));
    const known = [...new Set(rules.flatMap((rule) => rule.recipients).filter((one) => one.includes("@")))];
    const list = h(
      "datalist",
      { id: "known-recipients" },
      known.map((one) => h("option", { value: one })),
    );
    to.setAttribute("list", list.id);
    to.after(list);
    set.append(
      ...environments.flatMap((one) => one.configuration_sets).map((one) => h("option", {}, one.name)),
    );
    if (direction === "receive" && !to.value && known[0]) to.placeholder = known[0];
  }

  choose(query.get("direction") === "send" ? "send" : "receive");
  offer();
  const element = h(
    "div",
    { class: "page" },
    h(
      "div",
      { class: "page-head" },
      h("h1", { tabindex: "-1" }, "Compose"),
      h("p", {}, "Nothing leaves this machine."),
    ),
    h(
      "form",
      { class: "compose-form card", onsubmit: deliver },
      h("div", { class: "choice", role: "group", "aria-label": "Direction" }, receive, send),
      h(
        "div",
        { class: "two" },
        field("From", from),
        field("To", to, "Several addresses are separated by commas."),
      ),
      h("div", { class: "two" }, field("Subject", subject), field("Cc", cc)),
      h("div", { class: "two" }, field("Text", text), field("HTML", html)),
      h(
        "div",
        { class: "two" },
        h("div", { class: "field" }, field("Attachments", files.input), files.chosen),
        h("fieldset", { class: "field" }, h("legend", {}, "More headers"), headers.element),
      ),
      ofReceiving,
      ofSending,
      said,
      h("div", { class: "row" }, submit),
    ),
  );
  return { element };
}
