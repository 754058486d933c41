// The picture: what leads where, drawn from the edges of the API.

import { h, svg } from "../shared/dom.js";
import { HEIGHT, WIDTH, place } from "./layers.js";

const MARGIN = 10;
const TIP = 7;

/** The anchor of the thing that a node stands for. */
export const anchor = (id) => `thing-${id.replace(/[^A-Za-z0-9_-]/g, "-")}`;

export function picture({ nodes, edges, order }, passed = null) {
  if (!nodes.length)
    return h("p", { class: "soft" }, "There are no rules and no configuration sets to draw.");
  const placed = place(nodes, edges);
  const { at, width, height } = placed;
  const made = svg("svg", {
    class: `picture ${passed ? "followed" : ""}`,
    width: width + 2 * MARGIN,
    height: height + 2 * MARGIN,
    viewBox: `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`,
    role: "group",
    "aria-label": "Which rule, configuration set, topic, function and queue leads to which",
  });
  for (const one of order) made.append(next(at.get(one.from), at.get(one.to)));
  const on = (edge) => Boolean(passed?.edges.has(edge));
  // What is followed lies above the rest.
  const ordered = [...edges].sort((left, right) => Number(on(left)) - Number(on(right)));
  for (const edge of ordered) made.append(line(edge, placed, on(edge)));
  for (const one of nodes) made.append(node(one, at.get(one.id), passed?.nodes.has(one.id)));
  made.style.setProperty("--natural", `${width + 2 * MARGIN}px`);
  return made;
}

function line(edge, { at, bends }, on) {
  const from = at.get(edge.from);
  const to = at.get(edge.to);
  const [x, y] = [to.x - TIP, to.y + HEIGHT / 2];
  let [left, height] = [from.x + WIDTH, from.y + HEIGHT / 2];
  let path = `M${left} ${height}`;
  for (const bend of bends(edge)) {
    path += `${curve(left, height, bend.x, bend.y)}H${bend.x + WIDTH}`;
    [left, height] = [bend.x + WIDTH, bend.y];
  }
  const title = edge.about ? svg("title", {}, edge.about) : null;
  return svg(
    "g",
    {},
    svg("path", { class: `edge ${on ? "on" : ""}`, d: path + curve(left, height, x, y) }, title),
    svg("path", { class: `tip ${on ? "on" : ""}`, d: `M${x} ${y - 4}l${TIP} 4l-${TIP} 4z` }),
  );
}

function curve(x1, y1, x2, y2) {
  const bend = Math.max(28, Math.abs(x2 - x1) / 2);
  return `C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** From one rule to the next below it. */
function next(from, to) {
  return svg(
    "path",
    { class: "edge next", d: `M${from.x + WIDTH / 2} ${from.y + HEIGHT}L${to.x + WIDTH / 2} ${to.y}` },
    svg("title", {}, "next rule"),
  );
}

function node(one, { x, y }, on) {
  return svg(
    "a",
    { href: `#${anchor(one.id)}`, "aria-label": `${one.title}, ${one.second}` },
    svg(
      "g",
      {
        class: `node ${one.kind} ${on ? "on" : ""} ${one.full ? "full" : ""}`,
        transform: `translate(${x} ${y})`,
        "data-id": one.id,
      },
      svg("title", {}, one.id),
      svg("rect", { class: "box", width: WIDTH, height: HEIGHT, rx: 8 }),
      svg("rect", { class: "strip", x: 6, y: 10, width: 4, height: HEIGHT - 20, rx: 2 }),
      svg(
        "foreignObject",
        { x: 18, y: 5, width: WIDTH - 26, height: HEIGHT - 8 },
        h("div", {}, one.title),
        h("div", { class: "second" }, one.second),
      ),
    ),
  );
}
