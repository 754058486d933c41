// What happens at the server, as it happens. The browser reconnects by itself.

export const live = new EventTarget();

const KINDS = ["messages", "deployment", "stack"];

export function connect() {
  const source = new EventSource("/api/live");
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      live.dispatchEvent(new CustomEvent(kind, { detail: JSON.parse(event.data) }));
    });
  }
  source.addEventListener("open", () => live.dispatchEvent(new CustomEvent("state", { detail: true })));
  source.addEventListener("hello", () => {
    // The stream says what changes from here on, not what changed since a view has asked.
    live.dispatchEvent(new CustomEvent("messages", { detail: { keys: [], counts: null } }));
  });
  source.addEventListener("error", () => {
    live.dispatchEvent(new CustomEvent("state", { detail: false }));
    // After some answers a browser gives up; the server may only have been started again.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}
