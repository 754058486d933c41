// Makes one of the ten events happen to a sent mail.

import { messageUrl, post } from "../api.js";
import { dialog } from "../shared/dialog.js";
import { fill, h } from "../shared/dom.js";
import { tell } from "../shared/notices.js";
import { problem } from "../shared/pieces.js";

const EVENTS = {
  Send: "SES accepted it",
  Delivery: "the recipient's server accepted it",
  Bounce: "the recipient's server refused it for good",
  Complaint: "the recipient marked it as spam",
  DeliveryDelay: "it could not be delivered yet",
  Reject: "SES found a virus in it",
  Open: "the recipient opened it",
  Click: "the recipient followed a link",
  Subscription: "the recipient unsubscribed",
  "Rendering Failure": "its template lacked data",
};
const BOUNCES = ["Permanent", "Transient", "Undetermined"];

export function happen(found) {
  const event = h(
    "select",
    { class: "input", id: "event-kind", onchange: () => fit() },
    Object.entries(EVENTS).map(([name, about]) => h("option", { value: name }, `${name}: ${about}`)),
  );
  const recipient = h(
    "select",
    { class: "input", id: "event-recipient" },
    found.to.map((one) => h("option", {}, one)),
  );
  const bounce = h(
    "select",
    { class: "input", id: "event-bounce" },
    BOUNCES.map((one) => h("option", {}, one)),
  );
  const links = (found.links ?? []).map((one) => one.url);
  const link = h(
    "select",
    { class: "input", id: "event-link" },
    links.map((one) => h("option", {}, one)),
  );
  const field = (label, input) => h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  const bounceField = field("Bounce type", bounce);
  const linkField = field("Link", link);
  const said = h("div", {});
  function fit() {
    bounceField.hidden = event.value !== "Bounce";
    linkField.hidden = event.value !== "Click" || links.length === 0;
  }
  async function submit(submitted) {
    submitted.preventDefault();
    const body = { event: event.value, recipient: recipient.value };
    if (!bounceField.hidden) body.bounce_type = bounce.value;
    if (!linkField.hidden) body.link = link.value;
    try {
      const done = await post(messageUrl(found.key, "/events"), body);
      made.close();
      tell(`${(done.events ?? []).map((one) => one.kind ?? one).join(", ") || event.value} happened.`);
    } catch (error) {
      fill(said, problem(error.message));
    }
  }
  event.value = "Delivery";
  fit();
  const made = dialog(
    "Make an event happen",
    h(
      "p",
      { class: "soft" },
      "It is published to the event destinations of the mail's configuration set, exactly as an event of SES would be.",
    ),
    h(
      "form",
      { class: "stacked", onsubmit: submit },
      field("Event", event),
      field("Recipient", recipient),
      bounceField,
      linkField,
      said,
      h(
        "div",
        { class: "row" },
        h("button", { class: "button main-action" }, "Make it happen"),
        h("button", { class: "button", type: "button", onclick: () => made.close() }, "Cancel"),
      ),
    ),
  );
  event.focus();
}
