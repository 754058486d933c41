// The stack: a picture of what leads where, and lists of everything in it.

import { get, messageUrl } from "../api.js";
import { live } from "../live.js";
import { go } from "../route.js";
import { fill, h } from "../shared/dom.js";
import { command, empty, loading, problem } from "../shared/pieces.js";
import { graph } from "./graph.js";
import { lists } from "./lists.js";
import { picture } from "./picture.js";
import { pathOf } from "./path.js";

const RECENT = 30;

export function stack(where) {
  const gone = new AbortController();
  const place = h("div", { class: "stack" }, loading());
  const choice = h("select", {
    class: "input",
    id: "followed",
    onchange: () =>
      go(choice.value ? `/stack?message=${encodeURIComponent(choice.value)}` : "/stack", { replace: true }),
  });
  let key = where.query.get("message");
  let before = "";

  async function load() {
    try {
      const [{ environments }, recent, message] = await Promise.all([
        get("/api/stack"),
        get("/api/messages", { limit: RECENT }),
        key ? get(messageUrl(key)) : null,
      ]);
      const now = JSON.stringify([environments, message, recent.messages.map((one) => one.key)]);
      if (now === before) return;
      before = now;
      offer(recent.messages, message);
      const deployed = environments.some(
        (one) =>
          one.stacks.length ||
          one.rule_sets.length ||
          one.ingress_points.length ||
          one.configuration_sets.length,
      );
      fill(
        place,
        deployed ? environments.map((one) => shown(one, message, environments.length > 1)) : nothing(),
      );
      place.querySelector(".node.on")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    } catch (error) {
      fill(place, problem(error.message));
    }
  }

  function offer(messages, message) {
    const known =
      message && !messages.some((one) => one.key === message.key) ? [message, ...messages] : messages;
    fill(
      choice,
      h("option", { value: "" }, "no message"),
      known.map((one) =>
        h(
          "option",
          { value: one.key },
          `${one.subject || "(no subject)"} (${one.kind}, ${one.kind === "sent" ? `to ${one.to[0] ?? ""}` : `from ${one.from}`})`,
        ),
      ),
    );
    choice.value = key ?? "";
  }

  function shown(environment, message, several) {
    const drawn = graph(environment);
    const passed = message ? pathOf(message, drawn) : null;
    return h(
      "section",
      { "aria-label": `Account ${environment.account} in ${environment.region}` },
      several ? h("h2", {}, `Account ${environment.account} in ${environment.region}`) : null,
      h(
        "div",
        { class: "card picture-card" },
        h(
          "div",
          { class: "picture-bar" },
          h("label", { for: "followed", class: "label" }, "Show the path of"),
          h("div", { class: "grow" }, choice),
          message
            ? h(
                "a",
                { class: "button", href: `/messages/${encodeURIComponent(message.key)}` },
                "Open the message",
              )
            : null,
        ),
        passed && !passed.nodes.size
          ? h(
              "p",
              { class: "notice warn" },
              "Nothing that this message passed through still exists in this account.",
            )
          : null,
        h(
          "div",
          { class: "picture-box", tabindex: "0", role: "region", "aria-label": "Picture of the stack" },
          picture(drawn, passed?.nodes.size ? passed : null),
        ),
      ),
      lists(environment),
    );
  }

  for (const kind of ["stack", "messages", "deployment"])
    live.addEventListener(kind, load, { signal: gone.signal });
  load();
  return {
    element: h(
      "div",
      { class: "page stack" },
      h(
        "div",
        { class: "page-head" },
        h("h1", { tabindex: "-1" }, "Stack"),
        h("p", {}, "What the local AWS has, and where mail goes in it."),
      ),
      place,
    ),
    update(next) {
      key = next.query.get("message");
      load();
    },
    close: () => gone.abort(),
  };
}

function nothing() {
  return empty(
    "stack",
    "Nothing is deployed",
    h("p", {}, "In the folder of your CDK app:"),
    command("mailroom up --watch"),
  );
}
