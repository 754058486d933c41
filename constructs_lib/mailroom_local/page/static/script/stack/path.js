// The path of a message through the picture.

import { plain } from "./graph.js";

/** The ids of the nodes that a message passed, and the edges between them. */
export function pathOf(message, { nodes, edges }) {
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
  const { gateway } = story;
  if (gateway) named.add(`point:${gateway.point}`);
  for (const rule of story.rules ?? []) {
    if (!rule.matched) continue;
    named.add(gateway ? `gateway-rule:${gateway.point}/${rule.name}` : `rule:${rule.name}`);
    for (const action of rule.actions) {
      if (["skipped", "not reached"].includes(action.outcome)) continue;
      for (const value of Object.values(action.detail ?? {}))
        if (typeof value === "string" && value.startsWith("arn:")) named.add(plain(value));
      const bucket = action.detail?.bucketName ?? action.detail?.s3Bucket;
      if (bucket) named.add(`arn:aws:s3:::${bucket}`);
      see(action.calls);
    }
  }
  if (message.configuration_set) named.add(`set:${message.configuration_set}`);
  for (const event of story.events ?? []) see(event.calls);
  see(story.calls);
  // Only what failed goes to the queues behind others.
  const taken = edges.filter((one) => !one.failure || gaveUp.size);
  const passed = new Set(
    nodes
      .filter((one) => named.has(one.id) || queues.has(one.id) || queues.has(one.id.split(":").at(-1)))
      .map((one) => one.id),
  );
  for (const id of between(passed, nodes, taken)) passed.add(id);
  const functions = new Set(nodes.filter((one) => one.kind === "function").map((one) => one.id));
  // Several functions share a dead-letter queue; only from those that gave up did it get anything.
  const idle = (one) => one.failure && functions.has(one.from) && !gaveUp.has(one.from);
  const went = taken.filter((one) => passed.has(one.from) && passed.has(one.to) && !idle(one));
  return { nodes: passed, edges: new Set(went) };
}

/** Topics and queues leave no trace of their own: what lies between two passed nodes was passed. */
function between(passed, nodes, edges) {
  const reach = (from, to) => {
    const found = new Set(passed);
    const open = [...passed];
    while (open.length) {
      const id = open.pop();
      for (const edge of edges) {
        if (edge[from] !== id || found.has(edge[to])) continue;
        found.add(edge[to]);
        open.push(edge[to]);
      }
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
