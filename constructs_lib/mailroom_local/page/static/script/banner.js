// The banner about a deployment: that it runs, and how it ended.

import { get } from "./api.js";
import { live } from "./live.js";
import { fill, h } from "./shared/dom.js";
import { icon } from "./shared/icons.js";
import { duration } from "./shared/format.js";

const SHOWN_SECONDS = 8;

let hiding = 0;

export async function build() {
  live.addEventListener("deployment", ({ detail }) => show(detail));
  const { deployments } = await get("/api/deployments").catch(() => ({ deployments: [] }));
  // A success from before the page was opened is no news.
  if (deployments[0] && deployments[0].state !== "succeeded") show(deployments[0]);
}

function show({ state, text, ms }) {
  clearTimeout(hiding);
  const place = document.getElementById("banner");
  const close = () => fill(place);
  const took = ms ? ` after ${duration(ms)}` : "";
  const title = {
    started: "A deployment is running",
    succeeded: `Deployed${took}`,
    failed: `The deployment failed${took}`,
  }[state];
  const [line, ...rest] = (text ?? "").trim().split("\n");
  fill(
    place,
    h(
      "div",
      {
        class: `banner ${{ succeeded: "good", failed: "bad" }[state] ?? ""}`,
        role: state === "failed" ? "alert" : "status",
      },
      state === "started" ? h("span", { class: "spinner" }) : icon(state === "failed" ? "failed" : "yes"),
      h(
        "div",
        {},
        h("strong", {}, title),
        line ? `: ${line}` : "",
        rest.length
          ? h(
              "details",
              { open: state === "failed" },
              h("summary", {}, "Details"),
              h("pre", {}, rest.join("\n")),
            )
          : null,
      ),
      h("a", { href: "/deployments" }, "All deployments"),
      h(
        "button",
        { class: "button small bare", type: "button", "aria-label": "Dismiss", onclick: close },
        icon("close"),
      ),
    ),
  );
  if (state === "succeeded") hiding = setTimeout(close, SHOWN_SECONDS * 1000);
}
