// Times, sizes and names as people read them.

const DAY = 86_400_000;
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "medium" });

/** Today's time, or the date. */
export function short(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.valueOf())) return "";
  return Date.now() - at < DAY && new Date().getDate() === at.getDate() ? clock.format(at) : day.format(at);
}

export function full(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? "" : whole.format(at);
}

export function seconds(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? "" : exact.format(at);
}

/** How long after another moment: "+1.2 s". */
export function after(iso, first) {
  const ms = new Date(iso) - new Date(first);
  if (Number.isNaN(ms)) return "";
  return `${ms < 0 ? "−" : "+"}${duration(Math.abs(ms))}`;
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(s % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function many(count, one, several = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : several}`;
}

// STACK-LOGICALID-SUFFIX is how CloudFormation names what the template does not; the CDK ends its
// logical ids in a hash of their path.
const GENERATED = /^[A-Za-z][A-Za-z0-9-]*-([A-Za-z0-9]+?)(?:[0-9A-F]{8})?-[0-9A-Z]{12,13}$/;
// Names of buckets are the same in small letters.
const BUCKET = /^[a-z][a-z0-9-]*-([a-z0-9]+?)[0-9a-f]{8}-[0-9a-z]{12,13}$/;

/** The logical id of a name that CloudFormation generated, and any other name whole. */
export function shortName(name) {
  return (GENERATED.exec(name) ?? BUCKET.exec(name))?.[1] ?? name;
}

/** A sentence with such names shortened. */
export function shortNames(text) {
  return text.replace(/[A-Za-z][A-Za-z0-9-]+-[0-9A-Z]{12,13}\b/g, shortName);
}

/** The last part of an ARN, shortened. */
export function resource(arn) {
  const last = String(arn)
    .split(":")
    .slice(arn.startsWith("arn:") ? 5 : 0)
    .join(":");
  const name = last
    .replace(/^(function|topic|stream|deliverystream|event-bus|table)[:/]/, "")
    .replace(/:\$LATEST$/, "");
  return shortName(name);
}

const BAD = /fail|refus|reject|bounce|complaint|error|alarm|dead|missing/i;
const WARN = /delay|pending|skip|stop|gray|insufficient|disabled|retry|progress|subscription/i;
const GOOD =
  /^(done|accepted|handled|continue|published|delivery|delivered|pass|ok|sent|succeeded|open|click|stored)/i;

/** Which colour an outcome has. */
export function tone(outcome) {
  if (BAD.test(outcome)) return "bad";
  if (WARN.test(outcome)) return "warn";
  return GOOD.test(outcome) ? "good" : "";
}
