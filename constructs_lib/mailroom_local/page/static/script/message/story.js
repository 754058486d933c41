// The story of a message: what matched it, what was done with it, and what came of that.

import { current, inboxAddress } from "../route.js";
import { h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { duration, resource, seconds, shortName, shortNames, tone } from "../shared/format.js";
import { badge, opens, payload, problem } from "../shared/pieces.js";
import { calls } from "./calls.js";
import { events } from "./events.js";

export function story(found) {
  const told = found.story;
  return h(
    "section",
    { class: "card story", "aria-label": "Story" },
    h(
      "div",
      { class: "story-head" },
      h("h2", {}, "Story"),
      told.rule_set ? h("span", { class: "faint" }, "rule set ", shortName(told.rule_set)) : null,
      told.gateway ? h("span", { class: "faint" }, "gateway ", shortName(told.gateway.name)) : null,
    ),
    told.refusal ? refusal(told.refusal) : null,
    told.gateway && !told.refusal && told.policy?.length ? policy(told) : null,
    told.problems?.map((one) => problem(one)),
    told.rules?.length ? h("ol", { class: "steps" }, told.rules.map(rule)) : null,
    found.kind === "sent" ? events(told.events ?? [], found) : null,
    told.calls?.length
      ? h("div", { class: "deeds" }, h("h3", {}, "Other calls about this message"), calls(told.calls))
      : null,
    found.kind === "received" && !told.rules?.length && !told.refusal
      ? h("p", { class: "soft" }, nothing(told))
      : null,
    told.related?.length ? related(told.related) : null,
  );
}

function nothing({ gateway }) {
  if (gateway) return "The rule set of the gateway has no rules, so nothing happened to it.";
  return "No receipt rule exists, so nothing happened to it.";
}

function refusal({ reply, reason }) {
  return h(
    "div",
    { class: "notice bad" },
    icon("refused"),
    h("div", {}, h("strong", {}, reply || "Refused"), reason ? h("p", {}, reason) : null),
  );
}

/** What the traffic policy of a gateway decided about each recipient. */
function policy({ gateway, policy: decisions }) {
  return h(
    "div",
    { class: "deeds" },
    h("h3", {}, "Traffic policy ", shortName(gateway.traffic_policy ?? "")),
    decisions.map((one) => h("p", { class: "why-not" }, one)),
  );
}

function rule(one) {
  if (!one.matched) {
    return h(
      "li",
      { class: "step no" },
      h("span", { class: "dot hollow" }),
      h(
        "div",
        { class: "step-head" },
        h("h3", { title: one.name }, shortName(one.name)),
        h("span", { class: "unseen" }, "did not match"),
      ),
      h("p", { class: "why-not" }, shortNames(one.reason || "did not match")),
    );
  }
  const failed = one.actions.some(bad);
  return h(
    "li",
    { class: "step" },
    h("span", { class: `dot ${failed ? "bad" : "accent"}` }),
    h(
      "div",
      { class: "step-head" },
      h("h3", { title: one.name }, shortName(one.name)),
      badge("matched", "accent"),
      h("span", { class: "why-not" }, one.recipients?.join(", ")),
    ),
    one.reason ? h("p", { class: "why-not" }, shortNames(one.reason)) : null,
    one.actions.length
      ? h("div", { class: "deeds" }, one.actions.map(action))
      : h("p", { class: "why-not" }, "It has no actions."),
  );
}

function bad(one) {
  return (
    tone(one.outcome) === "bad" || Boolean(one.error) || one.calls.some((call) => call.failed && call.final)
  );
}

const UNREACHED = "not reached";
const DRAWN = {
  S3: "bucket",
  Lambda: "function",
  SNS: "bell",
  Bounce: "reply",
  AddHeader: "tag",
  Stop: "stop",
  WorkMail: "unread",
  Connect: "unread",
  Archive: "file",
  DeliverToMailbox: "unread",
  Drop: "stop",
  InvokeLambda: "function",
  PublishToSns: "bell",
  Relay: "arrow",
  ReplaceRecipient: "arrow",
  Send: "sent",
  WriteToS3: "bucket",
};

function action(one) {
  const detail = Object.entries(one.detail ?? {}).filter(([, value]) => value !== null && value !== "");
  return h(
    "div",
    { class: `deed ${bad(one) ? "bad" : ""}` },
    h(
      "div",
      { class: "step-head" },
      icon(DRAWN[one.kind]),
      h("h3", {}, one.kind),
      badge(one.outcome),
      one.pending ? badge("in progress", "warn") : null,
      h(
        "span",
        {
          class: "target",
          title: Object.values(one.detail ?? {})
            .filter((value) => typeof value === "string")
            .join("\n"),
        },
        one.outcome === UNREACHED ? shortNames(one.detail.reason ?? "") : target(one.detail ?? {}),
      ),
      h(
        "span",
        { class: "when" },
        [one.at ? seconds(one.at) : "", one.ms === null || one.ms === undefined ? "" : duration(one.ms)]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    one.error ? h("div", { class: "call-error" }, h("p", {}, one.error)) : null,
    one.calls.length ? calls(one.calls) : null,
    detail.length && one.outcome !== UNREACHED
      ? opens("Settings and result", () => payload(Object.fromEntries(detail)))
      : null,
  );
}

/** What the action went to, in a word. */
function target(detail) {
  const { objectKey, functionArn, topicArn, headerName, headerValue, replaceWith } = detail;
  const bucketName = detail.bucketName ?? detail.s3Bucket;
  if (bucketName) return objectKey ? `${shortName(bucketName)} / ${objectKey}` : shortName(bucketName);
  if (replaceWith) return replaceWith.join(", ");
  if (headerName) return `${headerName}: ${headerValue ?? ""}`;
  const arn = functionArn ?? topicArn ?? detail.organizationArn ?? detail.mailboxArn ?? "";
  return (
    resource(arn) || detail.scope || detail.server || detail.targetArchive || detail.smtpReplyCode || ""
  );
}

const RELATION = {
  forward: ["Forwarded", "Forwarded from"],
  reply: ["Answered", "Answer to"],
  bounce: ["Bounced", "Bounce of"],
  relay: ["Relayed", "Relayed from"],
  sent: ["Sent because of it", "Sent because of"],
};

function related(found) {
  return h("div", { class: "related" }, h("h3", {}, "Related mail"), found.map(relative));
}

function relative(one) {
  const caused = one.direction === "caused";
  const words = RELATION[one.relation] ?? [one.relation, one.relation];
  // A function that was given several messages at once does not say which one it sent mail for.
  const perhaps = one.certain === false ? "perhaps: " : "";
  return h(
    "a",
    { href: inboxAddress(current().filters, one.key) },
    icon(caused ? "arrow" : "back"),
    h("span", { class: "badge accent" }, perhaps + words[caused ? 0 : 1]),
    h("span", { class: "grow" }, one.subject || "(no subject)"),
    h(
      "span",
      { class: "faint" },
      caused ? `to ${one.to.join(", ")}` : "",
      one.function ? ` by ${shortName(one.function)}` : "",
    ),
  );
}
