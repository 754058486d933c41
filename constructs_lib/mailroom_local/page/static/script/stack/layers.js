// Where each node of the picture stands: in columns, so that what follows is at the right.

export const WIDTH = 196;
export const HEIGHT = 46;
const GAP_X = 62;
const GAP_Y = 16;
const SWEEPS = 4;

/** Nodes (with `id`) and edges (`from`, `to`) placed; returns nodes with x and y, and the size. */
export function place(nodes, edges) {
  const after = new Map(nodes.map((one) => [one.id, []]));
  const before = new Map(nodes.map((one) => [one.id, []]));
  for (const { from, to } of edges) {
    after.get(from).push(to);
    before.get(to).push(from);
  }
  const column = depths(nodes, after);
  const columns = [];
  for (const one of nodes) (columns[column.get(one.id)] ??= []).push(one);
  untangle(columns, before, after);
  const at = positions(columns, before);
  const width = columns.length * (WIDTH + GAP_X) - GAP_X;
  const height = Math.max(...[...at.values()].map((one) => one.y)) + HEIGHT;
  return { at, width, height };
}

/** The longest way to each node. An edge that would lead back is not counted. */
function depths(nodes, after) {
  const depth = new Map(nodes.map((one) => [one.id, 0]));
  const above = new Set();
  const visit = (id, least) => {
    if (above.has(id)) return;
    if (least < depth.get(id) || (least === depth.get(id) && least > 0)) return;
    depth.set(id, least);
    above.add(id);
    for (const next of after.get(id)) visit(next, least + 1);
    above.delete(id);
  };
  const targets = new Set([...after.values()].flat());
  const roots = nodes.filter((one) => !targets.has(one.id));
  for (const one of roots.length ? roots : nodes.slice(0, 1)) visit(one.id, 0);
  return depth;
}

/** Order each column by where the neighbours stand, from the left and from the right in turn. */
function untangle(columns, before, after) {
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    const neighbours = forth ? before : after;
    const order = new Map(
      columns.flat().map((one) => [one.id, columns.find((each) => each.includes(one)).indexOf(one)]),
    );
    for (const one of forth ? columns.slice(1) : columns.slice(1, -1).reverse()) {
      const middle = (id, own) => {
        const found = neighbours.get(id).map((each) => order.get(each));
        return found.length ? found.reduce((sum, each) => sum + each, 0) / found.length : own;
      };
      const places = new Map(one.map((each, index) => [each.id, middle(each.id, index)]));
      one.sort((left, right) => places.get(left.id) - places.get(right.id));
      one.forEach((each, index) => order.set(each.id, index));
    }
  }
}

function positions(columns, before) {
  const at = new Map();
  columns.forEach((nodes, index) => {
    let free = 0;
    for (const one of nodes) {
      const found = before
        .get(one.id)
        .filter((each) => at.has(each))
        .map((each) => at.get(each).y);
      const wanted = found.length ? found.reduce((sum, each) => sum + each, 0) / found.length : 0;
      const y = Math.max(free, index ? wanted : 0);
      at.set(one.id, { x: index * (WIDTH + GAP_X), y });
      free = y + HEIGHT + GAP_Y;
    }
  });
  return at;
}
