// Where each node of the picture stands: in columns, so that what follows is at the right.
// An edge that crosses a column has a bend there, which takes room as a node does.

export const WIDTH = 196;
export const HEIGHT = 46;
const BEND = 6;
const GAP_X = 62;
const GAP_Y = 16;
const SWEEPS = 6;

/** Place nodes (with `id`) and edges (`from`, `to`): corners by id, bends by edge, and the size. */
export function place(nodes, edges) {
  const column = depths(nodes, edges);
  const bends = new Map(edges.map((edge) => [edge, bendsOf(edge, column)]));
  const columns = [];
  for (const { id } of nodes) (columns[column.get(id)] ??= []).push({ id, height: HEIGHT });
  for (const ids of bends.values()) for (const { id, at } of ids) columns[at].push({ id, height: BEND });
  const links = [...bends].flatMap(([edge, ids]) => steps([edge.from, ...ids.map((one) => one.id), edge.to]));
  untangle(columns, links);
  const at = positions(columns, links);
  return {
    at,
    bends: (edge) => bends.get(edge).map((one) => at.get(one.id)),
    width: columns.length * (WIDTH + GAP_X) - GAP_X,
    height: Math.max(...nodes.map((one) => at.get(one.id).y)) + HEIGHT,
  };
}

/** The longest path to each node. An edge that would lead back is not counted. */
function depths(nodes, edges) {
  const after = neighbours(nodes, edges, "from", "to");
  const depth = new Map(nodes.map((one) => [one.id, 0]));
  const above = new Set();
  const visit = (id, least) => {
    if (above.has(id) || least < depth.get(id) || (least === depth.get(id) && least > 0)) return;
    depth.set(id, least);
    above.add(id);
    for (const next of after.get(id)) visit(next, least + 1);
    above.delete(id);
  };
  const targets = new Set(edges.map((edge) => edge.to));
  const roots = nodes.filter((one) => !targets.has(one.id));
  for (const one of roots.length ? roots : nodes.slice(0, 1)) visit(one.id, 0);
  return depth;
}

function bendsOf(edge, column) {
  const first = column.get(edge.from) + 1;
  const many = Math.max(0, column.get(edge.to) - first);
  return Array.from({ length: many }, (_, index) => ({
    id: `${edge.from} ${edge.to} ${index}`,
    at: first + index,
  }));
}

const steps = (ids) => ids.slice(1).map((to, index) => ({ from: ids[index], to }));

function neighbours(nodes, edges, near, far) {
  const found = new Map(nodes.map((one) => [one.id, []]));
  for (const edge of edges) found.get(edge[near]).push(edge[far]);
  return found;
}

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** Order each column by where the neighbours stand, from the left and from the right in turn. */
function untangle(columns, links) {
  const before = neighbours(columns.flat(), links, "to", "from");
  const after = neighbours(columns.flat(), links, "from", "to");
  const order = new Map(columns.flatMap((nodes) => nodes.map((one, index) => [one.id, index])));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    const beside = forth ? before : after;
    // The first column keeps its order: it is that of the rules.
    for (const nodes of forth ? columns.slice(1) : columns.slice(1, -1).reverse()) {
      const wanted = new Map(
        nodes.map(({ id }) => {
          const found = beside.get(id).map((one) => order.get(one));
          return [id, found.length ? mean(found) : order.get(id)];
        }),
      );
      nodes.sort((left, right) => wanted.get(left.id) - wanted.get(right.id));
      nodes.forEach((one, index) => order.set(one.id, index));
    }
  }
}

/** As near to what leads there as the nodes above allow. */
function positions(columns, links) {
  const before = neighbours(columns.flat(), links, "to", "from");
  const middle = new Map();
  const at = new Map();
  columns.forEach((nodes, index) => {
    let free = 0;
    for (const { id, height } of nodes) {
      const found = before
        .get(id)
        .filter((one) => middle.has(one))
        .map((one) => middle.get(one));
      const y = Math.max(free, found.length ? mean(found) - height / 2 : 0);
      at.set(id, { x: index * (WIDTH + GAP_X), y });
      middle.set(id, y + height / 2);
      free = y + height + (height === BEND ? BEND : GAP_Y);
    }
  });
  return at;
}
