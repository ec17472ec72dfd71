// Several methods on the current picture, side by side, with one place and one zoom.

import { address, drop, get } from "./api.js";
import { $, choice, current, fraction, isOpen, make, page, pictures, restore, seconds, works } from "./state.js";
import { addPane, after, before, endPane } from "./stage.js";
import { problem } from "./panel.js";

const LONG = 60; // seconds; what takes longer is not chosen beforehand
const shown = new Map(); // 'input' or a work's id -> its pane and elements
const lists = new Map(); // picture -> its methods, asked once

export async function offersOf(picture) {
  if (!lists.has(picture.id)) lists.set(picture.id, await get("pictures", picture.id, "methods"));
  return lists.get(picture.id);
}

// Ask which methods, and run them; false when the user went back.
export async function choose(refused) {
  const picture = current(), found = await offersOf(picture), before = choice(picture.id).compare;
  const chosen = new Set(before.map((id) => works.get(id)?.settings.method));
  $("offers").replaceChildren(...found.map((one) => {
    const ready = !one.unfit && (before.length ? chosen.has(one.name) : one.usual && (one.seconds ?? 0) < LONG);
    const box = make("input", { type: "checkbox", value: one.name, checked: ready, disabled: Boolean(one.unfit) });
    return make("li", {}, make("label", {}, box, make("span", { textContent: one.title }),
      make("span", { textContent: one.seconds ? `about ${seconds(Math.max(0.1, one.seconds))}` : "" }),
      make("span", { className: "small", textContent: one.unfit ? `Not for this picture: ${one.unfit}.` : one.advice })));
  }));
  const dialog = $("choice");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((over) => dialog.addEventListener("close", over, { once: true }));
  const names = [...$("offers").querySelectorAll("input:checked")].map((box) => box.value);
  if (dialog.returnValue !== "run" || !names.length) return false;
  const sigma = choice(picture.id).sigma.trim() || "auto", made = [];
  for (const method of names) {
    try {
      made.push((await restore(picture.id, 1, { picture: picture.id, method, sigma, strength: 1 })).id);
    } catch (error) { refused(error); }
  }
  choice(picture.id).compare = made;
  return made.length > 0;
}

// Draw the panes anew where the choice has changed, and bring their captions up to date.
export function show(use) {
  const picture = current();
  const names = page.mode === "compare" && picture ? ["input", ...choice(picture.id).compare] : [];
  const key = names.length ? `${picture.id} ${names.join(" ")}` : "";
  if ($("grid").dataset.key !== key) build(picture, names, key, use);
  for (const [name, parts] of shown) if (name !== "input") caption(works.get(name), parts);
}

function build(picture, names, key, use) {
  for (const { pane } of shown.values()) endPane(pane);
  shown.clear();
  $("grid").dataset.key = key;
  const across = names.length <= 3 ? names.length : names.length <= 4 ? 2 : names.length <= 9 ? 3 : 4;
  $("grid").style.gridTemplateColumns = `repeat(${window.innerWidth < 820 ? Math.min(2, across) : across}, minmax(0, 1fr))`;
  $("grid").replaceChildren(...names.map((name) => {
    const canvas = make("canvas", { tabIndex: 0 }), over = make("div", { className: "over" });
    const title = make("b"), time = make("span"), buttons = make("div", { className: "group" });
    const pane = addPane(canvas, () => {
      const it = pictures.get(picture.id), seen = name === "input" ? before(it) : works.get(name) && after(it, works.get(name));
      return seen ? [{ layer: seen.squares, from: 0, to: 1 }] : [];
    });
    const method = name === "input" ? "Before" : works.get(name)?.settings.method ?? "";
    title.textContent = method;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name === "input" ? `${picture.name} before` : `${picture.name} by ${method}`);
    if (name !== "input") {
      const useIt = make("button", { type: "button", textContent: "Use", "aria-label": `Use ${method}`, onclick: () => use(method) });
      const file = make("a", { className: "button", textContent: "Download", "aria-label": `Download the result of ${method}`, href: address("works", name, "file") });
      buttons.append(useIt, file);
    }
    shown.set(name, { pane, over, time, buttons });
    over.hidden = buttons.hidden = name === "input";
    return make("section", { className: "pane", "aria-label": method }, make("div", { className: "frame" }, canvas, over),
      make("div", { className: "caption" }, title, time, buttons));
  }));
}

function caption(work, { over, time, buttons }) {
  if (!work) return;
  const done = work.state === "done", text = done ? seconds(work.record.seconds) : work.state;
  if (time.textContent !== text) time.textContent = text;
  buttons.hidden = !done;
  over.hidden = done;
  if (done || over.dataset.state === work.state && !isOpen(work)) return;
  if (over.dataset.state !== work.state) {
    over.dataset.state = work.state;
    const bar = make("progress", { max: 1, "aria-label": `Progress of ${work.settings.method}` });
    const stop = make("button", { type: "button", textContent: "Cancel", "aria-label": `Cancel ${work.settings.method}`, onclick: () => drop("works", work.id) });
    over.replaceChildren(...(work.state === "failed" ? problem(work.error) : work.state === "cancelled" ? [make("p", { textContent: "Cancelled" })] : [bar, stop]));
  }
  const part = fraction(work), bar = over.querySelector("progress");
  if (bar && (part !== null || work.state === "waiting")) bar.value = part ?? 0;
}
