// The nodes and edges of an account's picture.

import { many, resource, shortName } from "../shared/format.js";

const SERVICES = {
  s3: "bucket",
  lambda: "function",
  sns: "topic",
  sqs: "queue",
  events: "event bus",
  firehose: "stream",
  cloudwatch: "metrics",
  workmail: "WorkMail",
  connect: "Connect",
};

/** Without the version or alias of a function. */
export const plain = (id) => (id?.startsWith("arn:aws:lambda:") ? id.split(":").slice(0, 7).join(":") : id);

export function graph(environment) {
  const nodes = new Map();
  const put = (id, kind, title, second, extra = {}) => nodes.set(id, { id, kind, title, second, ...extra });
  for (const set of rulesInForce(environment)) {
    set.rules.forEach((rule, index) =>
      put(
        `rule:${rule.name}`,
        "rule",
        shortName(rule.name),
        `rule ${index + 1}${rule.enabled ? "" : ", disabled"} · ${rule.recipients[0] ?? "every recipient"}${rule.recipients.length > 1 ? ` +${rule.recipients.length - 1}` : ""}`,
      ),
    );
  }
  for (const point of environment.ingress_points) {
    put(`point:${point.id}`, "set", shortName(point.name), `ingress point · ${point.address}`);
    point.rules.forEach((one, index) =>
      put(
        `gateway-rule:${point.id}/${one.name}`,
        "rule",
        shortName(one.name),
        `rule ${index + 1} · ${conditions(one)}`,
      ),
    );
  }
  for (const one of environment.configuration_sets)
    put(`set:${one.name}`, "set", shortName(one.name), "configuration set");
  for (const one of environment.functions)
    put(plain(one.arn), "function", shortName(one.name), `function${one.folder ? ` · ${one.folder}` : ""}`);
  for (const one of environment.topics) put(one.arn, "topic", shortName(one.name), "topic");
  for (const one of environment.queues) {
    const dead = deadLettersOf(environment, one).length > 0;
    const kind = dead ? "dead-letter queue" : "queue";
    put(
      one.arn,
      "queue",
      shortName(one.name),
      `${kind} · ${one.depth ? many(one.depth, "message") : "empty"}`,
      { dead, full: dead && one.depth > 0 },
    );
  }
  // SES asks the rules in this order.
  const order = environment.edges.filter((one) => one.about === "next rule");
  const keepers = [...environment.functions, ...environment.queues];
  const failures = new Map(keepers.map((one) => [plain(one.arn), one.dead_letter_queue]));
  const edges = new Map();
  for (const { from, to, about } of environment.edges.filter((one) => !order.includes(one))) {
    const ends = [plain(from), plain(to)];
    for (const id of ends)
      if (!nodes.has(id)) put(id, kindOf(id), resource(id.replace(/^(rule|set):/, "")), kindOf(id));
    const known = edges.get(ends.join(" "));
    if (known) known.about = [known.about, about].filter(Boolean).join(", ");
    else {
      const failure = failures.get(ends[0]) === ends[1];
      edges.set(ends.join(" "), { from: ends[0], to: ends[1], about: about ?? "", failure });
    }
  }
  const joined = new Set([...edges.values()].flatMap((one) => [one.from, one.to]));
  // What nothing leads to or from is in the lists; the picture is about ways.
  return {
    nodes: [...nodes.values()].filter((one) => joined.has(one.id) || one.kind === "rule"),
    edges: [...edges.values()],
    order: order.filter((one) => nodes.has(one.from) && nodes.has(one.to)),
  };
}

export function conditions(rule) {
  const count = rule.conditions + rule.unless;
  return count ? many(count, "condition") : "every mail";
}

/** The queues and functions whose failures a queue keeps; none if a function reads it again. */
export function deadLettersOf({ functions }, queue) {
  if (functions.some((one) => one.invoked_by.includes(queue.arn))) return [];
  return [
    ...queue.dead_letter_of,
    ...functions.filter((one) => one.dead_letter_queue === queue.arn).map((one) => one.arn),
  ];
}

export function rulesInForce(environment) {
  const active = environment.rule_sets.filter((one) => one.active);
  return active.length ? active : environment.rule_sets;
}

function kindOf(id) {
  return SERVICES[id.split(":")[2]] ?? id.split(":")[0];
}
