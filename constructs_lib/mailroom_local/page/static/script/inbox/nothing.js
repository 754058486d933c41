// What a folder without messages says: what to do next.

import { get } from "../api.js";
import { h } from "../shared/dom.js";
import { command, empty } from "../shared/pieces.js";

const EMPTY = {
  sent: [
    "sent",
    "Nothing has been sent",
    "Mail that your app sends by the SES API or by SMTP appears here, with its events.",
  ],
  refused: [
    "refused",
    "Nothing was refused",
    "Mail that SES refuses during the SMTP conversation appears here, with its reply and the reason.",
  ],
  failed: [
    "yes",
    "Nothing has failed",
    "Mail with an action, a handler or an event that failed appears here.",
  ],
};

export function firstMail(folder) {
  if (EMPTY[folder]) {
    const [drawn, title, text] = EMPTY[folder];
    return empty(drawn, title, h("p", {}, text));
  }
  const place = h("div", { class: "stacked" });
  suggest(place);
  return empty(
    "received",
    "No mail yet",
    h("p", {}, "Send the first one from a terminal:"),
    place,
    h(
      "p",
      {},
      "or ",
      h("a", { href: "/compose" }, "compose it here"),
      ", or drop an .eml file on this page.",
    ),
  );
}

/** The command, to a recipient that the rules take. */
async function suggest(place) {
  const found = await get("/api/stack").catch(() => ({ environments: [] }));
  const sets = found.environments.flatMap((one) => one.rule_sets);
  const rules = sets
    .filter((set) => set.active)
    .flatMap((set) => set.rules)
    .filter((rule) => rule.enabled);
  const recipient = rules.flatMap((rule) => rule.recipients)[0];
  const to = recipient
    ? recipient.includes("@")
      ? recipient
      : `someone@${recipient.replace(/^\./, "mail.")}`
    : "support@example.com";
  place.append(
    command(`mailroom send --from jane@customer.example --to ${to} --subject "Hello" --body "A first mail"`),
  );
  if (found.environments.length && !rules.length) {
    place.append(
      h(
        "p",
        { class: "hint" },
        "No receipt rule is active, so it will be refused: deploy an app with InboundMail first, with `mailroom up`.",
      ),
    );
  }
}

export function nothingFound() {
  return empty(
    "search",
    "No message matches",
    h("p", {}, "Search looks for parts of words in subject, addresses, id and text."),
    h("a", { class: "button", href: "/" }, "Show all mail"),
  );
}
