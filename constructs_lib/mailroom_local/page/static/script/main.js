// Starts the page, and shows the view that the address means.

import { get } from "./api.js";
import * as banner from "./banner.js";
import { inbox } from "./inbox/inbox.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { compose } from "./pages/compose.js";
import { deadLetters } from "./pages/dead-letters.js";
import { deployments } from "./pages/deployments.js";
import * as drop from "./pages/drop.js";
import * as route from "./route.js";
import { fill } from "./shared/dom.js";
import { problem } from "./shared/pieces.js";
import * as side from "./side.js";
import { stack } from "./stack/stack.js";

const VIEWS = { inbox, compose, stack, "dead-letters": deadLetters, deployments };
const TITLES = {
  inbox: "Inbox",
  compose: "Compose",
  stack: "Stack",
  "dead-letters": "Dead letters",
  deployments: "Deployments",
};

const main = document.getElementById("main");
let shown = { name: null, view: null };

/** Show the view; one that is shown already is told of the new address. */
function show({ first = false } = {}) {
  const where = route.current();
  side.mark(where);
  if (shown.name === where.view && shown.view.update) {
    shown.view.update(where);
    return;
  }
  shown.view?.close?.();
  document.title = `${TITLES[where.view]} · Mailroom`;
  const view = VIEWS[where.view](where);
  shown = { name: where.view, view };
  fill(main, view.element);
  view.shown?.();
  if (!first) (main.querySelector("h1[tabindex], [data-focus]") ?? main).focus({ preventScroll: true });
}

async function begin() {
  keys.listen();
  route.listen();
  drop.listen();
  keys.onKey("c", () => route.go("/compose"));
  keys.onKey("s", () => route.go("/stack"));
  keys.onKey("i", () => route.go("/"));
  side.build();
  banner.build();
  route.changes.addEventListener("change", () => show());
  show({ first: true });
  live.connect();
  try {
    side.about(await get("/api"));
  } catch (error) {
    main.prepend(problem(error.message));
  }
}

begin();
