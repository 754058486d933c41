// Deployments, newest first.

import { get } from "../api.js";
import { live } from "../live.js";
import { fill, h } from "../shared/dom.js";
import { duration, full } from "../shared/format.js";
import { command, empty, loading, problem } from "../shared/pieces.js";

const WORDS = { started: ["started", "accent"], succeeded: ["succeeded", "good"], failed: ["failed", "bad"] };

export function deployments() {
  const gone = new AbortController();
  const place = h("div", {}, loading());

  async function load() {
    try {
      const found = await get("/api/deployments");
      fill(
        place,
        found.deployments.length
          ? h("ol", { class: "card steps deployments" }, found.deployments.map(deployment))
          : nothing(),
      );
    } catch (error) {
      fill(place, problem(error.message));
    }
  }

  live.addEventListener("deployment", load, { signal: gone.signal });
  load();
  return {
    element: h(
      "div",
      { class: "page" },
      h("div", { class: "page-head" }, h("h1", { tabindex: "-1" }, "Deployments")),
      place,
    ),
    close: () => gone.abort(),
  };
}

function deployment(one) {
  const [word, kind] = WORDS[one.state] ?? [one.state, ""];
  return h(
    "li",
    { class: "step" },
    h("span", { class: `dot ${kind}` }),
    h(
      "div",
      { class: "step-head" },
      h("h3", {}, `Deployment ${word}`),
      one.ms ? h("span", { class: "faint" }, duration(one.ms)) : null,
      h("time", { class: "when", datetime: one.at }, full(one.at)),
    ),
    one.text
      ? one.text.includes("\n")
        ? h("pre", { tabindex: "0", "aria-label": "Text of the deployment" }, one.text)
        : h("p", { class: "soft" }, one.text)
      : null,
  );
}

function nothing() {
  return empty(
    "deployments",
    "No deployment yet",
    h("p", {}, "Deploy an app, and again whenever you save a file of it:"),
    command("mailroom up --watch"),
  );
}
