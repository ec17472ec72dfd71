// Talking to the server. Every failure becomes an Error whose `told` has three parts: asked, found, do.

let base = "";

export class Told extends Error {
  constructor(told) { super(`${told.asked}: ${told.found}. ${told.do}.`); this.told = told; }
}

async function call(method, path, body, type) {
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: type ? { "Content-Type": type } : {} });
  } catch {
    throw new Told({ asked: "the server", found: "it does not answer", do: "See whether 'nonloc web' still runs in its terminal" });
  }
  const data = await answer.json().catch(() => ({}));
  if (answer.ok) return data;
  const error = new Told(data.error ?? { asked: "the server", found: `it answered ${answer.status}`, do: "Look at its terminal" });
  error.status = answer.status;
  throw error;
}

export const address = (...parts) => [base, ...parts].join("/");

// A visitor may drop a picture before the page has its session: whatever is asked waits for it.
let begun = Promise.resolve();
const after = (send) => async (...given) => { await begun; return send(...given); };

const news = (since) => call("GET", `${base}?since=${since}`);
export const changes = after(news);
export const get = after((...parts) => call("GET", address(...parts)));
export const drop = after((...parts) => call("DELETE", address(...parts)));
export const ask = after((wanted, ...parts) => call("POST", address(...parts), JSON.stringify(wanted), "application/json"));
export const upload = after((file) =>
  call("POST", `${address("pictures")}?name=${encodeURIComponent(file.name)}`, file, "application/octet-stream"));

// The session of this tab, which outlives a reload; a new one where there is none.
export function begin() {
  begun = open();
  return begun;
}

async function open() {
  const known = sessionStorage.getItem("nonloc-session");
  if (known) {
    base = `/api/sessions/${known}`;
    try { await news(0); return; } catch (error) { if (error.status !== 404) throw error; }
  }
  const made = await call("POST", "/api/sessions");
  base = `/api/sessions/${made.session}`;
  sessionStorage.setItem("nonloc-session", made.session);
}
