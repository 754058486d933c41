// What no function could handle, by queue; what is chosen is replayed.

import { get, post } from "../api.js";
import { live } from "../live.js";
import { fill, h } from "../shared/dom.js";
import { full, many, resource, shortName } from "../shared/format.js";
import { attempt, tell } from "../shared/notices.js";
import { badge, empty, loading, opens, payload, problem } from "../shared/pieces.js";

export function deadLetters() {
  const gone = new AbortController();
  const place = h("div", { class: "letters" }, loading());
  const chosen = new Set();
  let before = "";

  async function load() {
    try {
      const { queues } = await get("/api/dead-letters");
      const now = JSON.stringify(queues);
      if (now === before) return;
      before = now;
      const known = new Set(queues.flatMap((one) => one.messages.map((each) => each.id)));
      for (const id of chosen) if (!known.has(id)) chosen.delete(id);
      fill(
        place,
        queues.length
          ? queues.map(queue)
          : empty(
              "dead",
              "There are no dead-letter queues",
              h(
                "p",
                {},
                "The constructs make one for each handler: deploy an app with InboundMail or MailEvents.",
              ),
            ),
      );
    } catch (error) {
      fill(place, problem(error.message));
    }
  }

  function queue(one) {
    const count = h("span", {});
    const some = h(
      "button",
      {
        class: "button small main-action",
        type: "button",
        onclick: () =>
          replay(
            one,
            one.messages.map((each) => each.id).filter((id) => chosen.has(id)),
          ),
      },
      count,
    );
    const all = h(
      "button",
      {
        class: "button small",
        type: "button",
        onclick: () =>
          replay(
            one,
            one.messages.map((each) => each.id),
          ),
      },
      "Replay all",
    );
    const fit = () => {
      const number = one.messages.filter((each) => chosen.has(each.id)).length;
      count.textContent = number ? `Replay ${number} selected` : "Replay selected";
      some.disabled = number === 0;
    };
    fit();
    return h(
      "section",
      { class: "card", "aria-label": shortName(one.name) },
      h(
        "div",
        { class: "row" },
        h("h2", { title: one.name }, shortName(one.name)),
        badge(one.depth ? many(one.depth, "message") : "empty", one.depth ? "bad" : "good"),
      ),
      one.messages.length
        ? [
            h("div", { class: "row replays" }, some, all),
            h(
              "ul",
              {},
              one.messages.map((each) => letter(each, fit)),
            ),
          ]
        : null,
    );
  }

  function letter(one, fit) {
    const said = one.error || "No error is known";
    return h(
      "li",
      { class: "letter" },
      h("input", {
        type: "checkbox",
        "aria-label": `Select: ${said}`,
        checked: chosen.has(one.id),
        onchange: (event) => {
          if (event.target.checked) chosen.add(one.id);
          else chosen.delete(one.id);
          fit();
        },
      }),
      h(
        "div",
        {},
        h("strong", {}, said),
        h(
          "div",
          { class: "row faint" },
          one.function ? h("span", { title: one.function }, resource(one.function)) : null,
          one.at ? h("time", { datetime: one.at }, full(one.at)) : null,
          one.about
            ? h("a", { href: `/messages/${encodeURIComponent(one.about)}` }, "Open the message")
            : null,
        ),
        opens("Content", () => content(one.body)),
      ),
    );
  }

  async function replay(one, ids) {
    const done = await attempt(() => post("/api/dead-letters/replay", { queue: one.arn ?? one.name, ids }));
    if (!done) return;
    if (done.replayed.length) tell(`${many(done.replayed.length, "dead letter")} replayed.`);
    for (const each of done.failed) tell(each.error, "bad");
    before = "";
    await load();
  }

  for (const kind of ["messages", "stack"]) live.addEventListener(kind, load, { signal: gone.signal });
  load();
  return {
    element: h(
      "div",
      { class: "page" },
      h(
        "div",
        { class: "page-head" },
        h("h1", { tabindex: "-1" }, "Dead letters"),
        h(
          "p",
          {},
          "What failed at every try. Replaying calls the function again; nothing leaves the queue before that has been accepted.",
        ),
      ),
      place,
    ),
    close: () => gone.abort(),
  };
}

function content(body) {
  try {
    return payload(typeof body === "string" ? JSON.parse(body) : body);
  } catch {
    return h("pre", { class: "payload" }, body);
  }
}
