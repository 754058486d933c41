// Which view an address means. The filters stay in the query, so that a reload shows the same.

export const changes = new EventTarget();

const VIEWS = ["stack", "compose", "dead-letters", "deployments"];
export const FILTERS = ["folder", "q", "rule", "outcome", "event"];

export function current() {
  const parts = location.pathname.split("/").filter(Boolean);
  const query = new URLSearchParams(location.search);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  filters.folder ||= "all";
  const view = VIEWS.includes(parts[0]) ? parts[0] : "inbox";
  const key = parts[0] === "messages" && parts[1] ? decoded(parts[1]) : null;
  return { view, key, filters, query };
}

/** What cannot be decoded is the key of no message, and the view says so. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of the inbox with these filters, and of a message in it. */
export function inboxAddress(filters, key = null) {
  const set = FILTERS.filter((name) => filters[name] && !(name === "folder" && filters[name] === "all"));
  const query = new URLSearchParams(set.map((name) => [name, filters[name]])).toString();
  return (key ? `/messages/${encodeURIComponent(key)}` : "/") + (query ? `?${query}` : "");
}

export function go(address, { replace = false } = {}) {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  changes.dispatchEvent(new Event("change"));
}

export function listen() {
  addEventListener("popstate", () => changes.dispatchEvent(new Event("change")));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey)
      return;
    const url = new URL(link.href.baseVal ?? link.href, location.href);
    if (link.target || link.hasAttribute("download") || url.origin !== location.origin) return;
    if (url.pathname.startsWith("/api/") || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}
