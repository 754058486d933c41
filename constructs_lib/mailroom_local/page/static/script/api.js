// The JSON API. Whatever changes something is a POST with the page's token.

const meta = (name) => document.querySelector(`meta[name="mailroom-${name}"]`)?.content ?? "";

/** What the API answered instead: its own words. */
export class ApiError extends Error {
  constructor(message, status, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export const version = meta("version");

export const messageUrl = (key, rest = "") => `/api/messages/${encodeURIComponent(key)}${rest}`;

export async function get(path, parameters = {}) {
  const set = Object.entries(parameters).filter(
    ([, value]) => value !== "" && value !== null && value !== undefined,
  );
  const query = new URLSearchParams(set).toString();
  return answer(() => fetch(query ? `${path}?${query}` : path, { headers: { Accept: "application/json" } }));
}

export async function post(path, body) {
  const raw = body instanceof Blob;
  try {
    return await posted(path, body, raw);
  } catch (error) {
    // The token of the page is right, unless the server is another one by now.
    if (error.status === 403)
      error.message = "The local AWS was started again since this page was loaded: reload the page.";
    throw error;
  }
}

async function posted(path, body, raw) {
  return answer(() =>
    fetch(path, {
      method: "POST",
      headers: {
        "X-Mailroom-Token": meta("token"),
        "Content-Type": raw ? "message/rfc822" : "application/json",
      },
      body: raw ? body : JSON.stringify(body ?? {}),
    }),
  );
}

export async function text(path) {
  const found = await fetch(path);
  if (!found.ok) throw new ApiError(`${path} cannot be read: status ${found.status}`, found.status, {});
  return found.text();
}

async function answer(request) {
  let found;
  try {
    found = await request();
  } catch {
    throw new ApiError(
      "The local AWS does not answer: see in the terminal whether `mailroom up` still runs.",
      0,
      {},
    );
  }
  const body = await found.json().catch(() => ({}));
  if (!found.ok)
    throw new ApiError(
      body.error ?? `The local AWS answered with status ${found.status}.`,
      found.status,
      body,
    );
  return body;
}
