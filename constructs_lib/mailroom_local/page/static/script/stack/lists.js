// Lists of what an account has.

import { h } from "../shared/dom.js";
import { many, resource, shortName } from "../shared/format.js";
import { badge, problem } from "../shared/pieces.js";
import { conditions, deadLettersOf, plain, rulesInForce } from "./graph.js";
import { anchor } from "./picture.js";

export function lists(environment) {
  const { stacks, configuration_sets: sets, functions, topics, queues, alarms, identities } = environment;
  return h(
    "div",
    { class: "stack-grid" },
    rulesInForce(environment).map((one) => rules(one)),
    environment.ingress_points.map((one) => gateway(one)),
    environment.rule_sets.length || environment.ingress_points.length
      ? null
      : card("Receipt rules", [], () => null, "No receipt rule set exists, so every message is refused."),
    card("Configuration sets", sets, set, "None, so SES publishes no events."),
    card("Functions", functions, fun, "None."),
    card("Queues", queues, (one) => queue(one, deadLettersOf(environment, one)), "None."),
    card("Topics", topics, topic, "None."),
    card("Alarms", alarms, alarm, "None."),
    card("Identities", identities, identity, "None, so SES neither receives nor sends."),
    card(
      "Stacks",
      stacks,
      (one) =>
        thing(
          null,
          one.name,
          badge(
            one.status,
            /ROLLBACK|FAILED/.test(one.status) ? "bad" : /COMPLETE/.test(one.status) ? "good" : "warn",
          ),
        ),
      "None.",
    ),
  );
}

function card(title, all, make, none, extra = null) {
  return h(
    "section",
    { class: "card", "aria-label": title },
    h("h2", {}, title),
    extra,
    all.length ? h("ul", { class: "things" }, all.map(make)) : h("p", { class: "soft" }, none),
  );
}

function thing(id, name, marks, ...rest) {
  return h(
    "li",
    { class: "thing", id: id ? anchor(id) : null, tabindex: id ? "-1" : null },
    h("div", { class: "row" }, h("strong", { title: name }, shortName(name)), marks),
    rest,
  );
}

const line = (...content) => h("div", { class: "soft chips" }, content);

function rules(set) {
  return card(
    "Receipt rules",
    set.rules,
    (one) => rule(one, set.rules.indexOf(one) + 1),
    "The rule set is empty, so every message is refused.",
    [
      h(
        "p",
        { class: "row" },
        h("span", { class: "faint" }, shortName(set.name)),
        badge(set.active ? "active" : "not active", set.active ? "good" : "warn"),
      ),
      set.active ? null : problem("No rule set is active, so every message is refused.", "warn"),
    ],
  );
}

function rule(one, number) {
  return thing(
    `rule:${one.name}`,
    `${number}. ${shortName(one.name)}`,
    [
      one.enabled ? null : badge("disabled", "warn"),
      /require/i.test(one.tls ?? "") ? badge("requires TLS", "") : null,
      one.scan ? badge("scans for spam and viruses", "") : null,
    ],
    line(one.recipients.length ? one.recipients.join(", ") : "every recipient of a verified identity"),
    line(deeds(one.actions)),
  );
}

function deeds(actions) {
  return actions.map((action, index) => [
    index ? h("span", { class: "arrow" }, "→") : null,
    h(
      "span",
      { class: "badge", title: action.arn },
      `${action.kind}${action.target ? ` ${shortName(action.target)}` : ""}`,
    ),
  ]);
}

const ACCESS = { OPEN: "open", AUTH: "with a password", MTLS: "with a client certificate" };

function gateway(point) {
  const { id, name, rules: all, default_action: otherwise, statements } = point;
  const policy = `traffic policy ${shortName(point.traffic_policy)}: ${many(statements, "statement")}, else ${otherwise}`;
  return card(
    `Ingress point ${shortName(name)}`,
    all,
    (one) => gatewayRule(one, id, all.indexOf(one) + 1),
    "Its rule set has no rules, so mail is accepted and nothing happens to it.",
    [
      h(
        "p",
        { class: "row", id: anchor(`point:${id}`), tabindex: "-1" },
        h("code", {}, point.address),
        badge(point.status.toLowerCase(), point.status === "ACTIVE" ? "good" : "warn"),
        badge(ACCESS[point.access] ?? point.access, ""),
        badge(point.tls === "OPTIONAL" ? "TLS optional" : "requires TLS", ""),
      ),
      line(policy),
    ],
  );
}

function gatewayRule(one, point, number) {
  return thing(
    `gateway-rule:${point}/${one.name}`,
    `${number}. ${shortName(one.name)}`,
    null,
    line(conditions(one)),
    line(deeds(one.actions)),
  );
}

function set(one) {
  return thing(
    `set:${one.name}`,
    one.name,
    null,
    one.destinations.length
      ? one.destinations.map((each) =>
          h(
            "div",
            {},
            line(
              h(
                "span",
                { class: "badge accent", title: each.arn },
                `${each.type}${each.target ? ` ${shortName(each.target)}` : ""}`,
              ),
              each.enabled ? null : badge("disabled", "warn"),
              h("span", { class: "faint" }, each.events.join(", ")),
            ),
          ),
        )
      : line("No destination, so its events go nowhere."),
  );
}

function fun(one) {
  const from = (one.invoked_by ?? []).map(resource);
  return thing(
    plain(one.arn),
    one.name,
    null,
    line(h("code", {}, [one.folder, one.handler].filter(Boolean).join(" · "))),
    from.length ? line(`invoked by ${from.join(", ")}`) : null,
    one.dead_letter_queue ? line(`what fails goes to ${resource(one.dead_letter_queue)}`) : null,
  );
}

function queue(one, failing) {
  const dead = failing.length > 0;
  return thing(
    one.arn,
    one.name,
    [
      badge(one.depth ? many(one.depth, "message") : "empty", one.depth ? (dead ? "bad" : "warn") : "good"),
      one.in_flight ? badge(`${one.in_flight} in flight`, "warn") : null,
    ],
    dead
      ? line(
          `dead letters of ${[...new Set(failing.map(resource))].join(", ")}`,
          one.depth ? h("a", { href: "/dead-letters" }, "see them") : null,
        )
      : null,
  );
}

function topic(one) {
  return thing(
    one.arn,
    one.name,
    null,
    one.subscriptions.length
      ? one.subscriptions.map((each) => line(`${each.protocol}: ${resource(each.endpoint)}`))
      : line("It has no subscriptions."),
  );
}

function alarm(one) {
  return thing(
    null,
    one.name,
    badge(one.state.replace("_", " ").toLowerCase(), { OK: "good", ALARM: "bad" }[one.state] ?? ""),
    one.state === "ALARM" && one.reason ? line(one.reason) : null,
  );
}

function identity(one) {
  return thing(
    null,
    one.name,
    badge(one.verified ? "verified" : "not verified", one.verified ? "good" : "bad"),
    one.verified
      ? null
      : [
          line(
            `SES neither receives for it nor sends from it. To verify it: mailroom up --identity ${one.name}`,
          ),
        ],
    one.needed_by?.length ? line(`needed by ${one.needed_by.join(", ")}`) : null,
  );
}
