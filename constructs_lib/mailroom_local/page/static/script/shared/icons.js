// The icons, drawn on a grid of 24 by 24.

import { svg } from "./dom.js";

const DRAWN = {
  all: "M4 13h4l2 3h4l2-3h4M4 13v6h16v-6l-3-8H7z",
  received: "M12 4v11m-5-5 5 5 5-5M5 20h14",
  sent: "M12 16V5m-5 5 5-5 5 5M5 20h14",
  refused: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
  failed: "M12 4 2.8 20h18.4zM12 10v5m0 2.2v.1",
  stack: "M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  dead: "M5 5h14v10l-3 5H8l-3-5zM9 10h6M5 15h4l1 2h4l1-2h4",
  deployments: "M12 3v10m-4-4 4-6 4 6M5 14v6h14v-6",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14m5 12 4 4",
  compose: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  clip: "m20 11-8 8a5 5 0 0 1-7-7l8-8a3.3 3.3 0 0 1 5 5l-8 8a1.7 1.7 0 0 1-2.500-2.500L15 7",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  download: "M12 4v10m-4-4 4 4 4-4M5 19h14",
  again: "M5 12a7 7 0 0 1 12-5l2 2m0-5v5h-5M19 12a7 7 0 0 1-12 5l-2-2m0 5v-5h5",
  event: "M13 3 5 14h6l-1 7 8-11h-6z",
  path: "M6 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4m0 4v5a4 4 0 0 0 4 4h6m2-2a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  unread: "M4 6h16v12H4zM4 7l8 6 8-6",
  back: "M14 6l-6 6 6 6",
  close: "M6 6l12 12M18 6 6 18",
  yes: "M5 12.500l5 5L19 7",
  copy: "M8 8h11v12H8zM5 16V4h11",
  arrow: "M5 12h14m-5-5 5 5-5 5",
  plus: "M12 5v14M5 12h14",
  function: "M7 20 12 9M9 4h2l6 16",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.500 1h-15zM10 21h4",
  bucket: "M5 6h14l-2 14H7zM5 6a7 2 0 0 1 14 0",
  reply: "M10 7 5 12l5 5m-5-5h9a5 5 0 0 1 5 5v2",
  stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8z",
  tag: "M4 4h8l8 8-8 8-8-8zM8 8v.1",
};

/** The icon of this name; it is decoration, so the text beside it says what it means. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: DRAWN[name] ?? DRAWN.event }),
  );
}
