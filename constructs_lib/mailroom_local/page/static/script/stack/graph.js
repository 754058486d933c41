// The nodes and edges of an account's picture, and the way of a message through it.

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
  const order = environment.edges.filter((one) => one.from.startsWith("rule:") && one.to.startsWith("rule:"));
  const edges = new Map();
  for (const { from, to, about } of environment.edges.filter((one) => !order.includes(one))) {
    const ends = [plain(from), plain(to)];
    for (const id of ends)
      if (!nodes.has(id)) put(id, kindOf(id), resource(id.replace(/^(rule|set):/, "")), kindOf(id));
    const known = edges.get(ends.join(" "));
    if (known) known.about = [known.about, about].filter(Boolean).join(", ");
    else edges.set(ends.join(" "), { from: ends[0], to: ends[1], about: about ?? "" });
  }
  const joined = new Set([...edges.values()].flatMap((one) => [one.from, one.to]));
  // What nothing leads to or from is in the lists; the picture is about ways.
  return {
    nodes: [...nodes.values()].filter((one) => joined.has(one.id) || one.kind === "rule"),
    edges: [...edges.values()],
    order: order.filter((one) => nodes.has(one.from) && nodes.has(one.to)),
  };
}

/** The queues and functions whose failures a queue keeps. */
export function deadLettersOf({ functions }, queue) {
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

/** The ids of the nodes that a message passed, and the edges between them. */
export function wayOf(message, { nodes, edges }) {
  const named = new Set();
  const queues = new Set();
  const gaveUp = new Set();
  const see = (calls) => {
    for (const one of calls ?? []) {
      named.add(plain(one.arn));
      if (!one.dead_letter_queue) continue;
      queues.add(one.dead_letter_queue);
      gaveUp.add(plain(one.arn));
    }
  };
  const { story } = message;
  for (const rule of story.rules ?? []) {
    if (!rule.matched) continue;
    named.add(`rule:${rule.name}`);
    for (const action of rule.actions) {
      if (["skipped", "not reached"].includes(action.outcome)) continue;
      for (const value of Object.values(action.detail ?? {}))
        if (typeof value === "string" && value.startsWith("arn:")) named.add(plain(value));
      if (action.detail?.bucketName) named.add(`arn:aws:s3:::${action.detail.bucketName}`);
      see(action.calls);
    }
  }
  if (message.configuration_set) named.add(`set:${message.configuration_set}`);
  for (const event of story.events ?? []) see(event.calls);
  see(story.calls);
  const passed = new Set(
    nodes
      .filter((one) => named.has(one.id) || queues.has(one.id) || queues.has(one.id.split(":").at(-1)))
      .map((one) => one.id),
  );
  for (const id of between(passed, nodes, edges)) passed.add(id);
  const dead = new Set(nodes.filter((one) => one.dead).map((one) => one.id));
  const functions = new Set(nodes.filter((one) => one.kind === "function").map((one) => one.id));
  // Several functions share a dead-letter queue; only from those that gave up did it get anything.
  const went = ({ from, to }) =>
    passed.has(from) && passed.has(to) && !(dead.has(to) && functions.has(from) && !gaveUp.has(from));
  return { nodes: passed, edges: new Set(edges.filter(went)) };
}

/** Topics and queues leave no trace of their own: what lies between two passed nodes was passed. */
function between(passed, nodes, edges) {
  const reach = (from, to) => {
    const found = new Set(passed);
    const open = [...passed];
    while (open.length) {
      const id = open.pop();
      for (const edge of edges)
        if (edge[from] === id && !found.has(edge[to])) open.push(edge[to]) && found.add(edge[to]);
    }
    return found;
  };
  const ahead = reach("from", "to");
  const behind = reach("to", "from");
  const kinds = new Set(["topic", "queue", "event bus", "stream"]);
  return nodes
    .filter((one) => kinds.has(one.kind) && ahead.has(one.id) && behind.has(one.id))
    .map((one) => one.id);
}
