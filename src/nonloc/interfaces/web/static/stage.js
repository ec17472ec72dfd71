// The middle: one picture under a divider, alone, or what was removed; its zoom and its pages.

import { address, get } from "./api.js";
import { $, choice, current, page, workFor } from "./state.js";
import { Pane, Place, layer } from "./view.js";

const shown = new Map(); // address of a page -> what the server said of it (a promise until it comes)
let divided = 0.5, peeking = false;

export const place = new Place((quiet) => {
  $("zoom").textContent = `${Math.round(place.zoom * 100)} %`;
  if (!quiet) redraw();
});
const panes = new Set();
export const redraw = () => panes.forEach((pane) => pane.draw());
export const addPane = (canvas, layers) => { const pane = new Pane(canvas, place, layers, loading); panes.add(pane); return pane; };
const loading = () => [...shown.values()].includes(null);
export const endPane = (pane) => { pane.end(); panes.delete(pane); };

// What a page of a picture or work looks like, or null until the server has told.
export function look(kind, id, number, failed = () => {}) {
  const at = [kind, id, "pages", number], key = at.join("/");
  if (!shown.has(key)) {
    shown.set(key, null);
    get(...at).then((told) => { shown.set(key, told); arrange(); turned(); }, (error) => { shown.delete(key); failed(error); });
  }
  const told = shown.get(key);
  if (!told) return null;
  const squares = layer((...square) => address(...at, ...square), told.sizes);
  const gone = layer((...square) => `${address(kind, id, "removed", number, ...square)}?gain=${told.gain}`, told.sizes);
  return { ...told, squares, gone };
}

export function before(picture) {
  return picture?.facts.depth && picture.state !== "failed" ? look("pictures", picture.id, choice(picture.id).page) : null;
}

export function after(picture, work = picture && workFor(picture.id)) {
  return work?.state === "done" ? look("works", work.id, choice(picture.id).page) : null;
}

function layers() {
  const picture = current(), old = before(picture), made = after(picture);
  if (!old) return [];
  const alpha = choice(picture.id).strength / 100, mode = peeking ? "before" : page.mode;
  const first = { layer: old.squares, from: 0, to: 1 };
  if (!made || mode === "before") return [first];
  if (mode === "removed") return [{ layer: made.gone, from: 0, to: 1, alpha, ground: "rgb(128 128 128)" }];
  const from = mode === "split" ? divided : 0;
  return [first, { layer: made.squares, from, to: 1, alpha }];
}

// Everything about the stage that depends on what is shown.
export function arrange() {
  const picture = current();
  if (!picture) return;
  const old = before(picture), made = after(picture), chosen = choice(picture.id);
  if (old) place.of(...old.sizes[0]);
  const { mode } = page, split = mode === "split" && made;
  $("view").hidden = mode === "compare";
  $("grid").hidden = mode !== "compare";
  $("divider").hidden = !split;
  $("tag-left").hidden = !old;
  $("tag-left").textContent = !made || mode === "before" || split ? "Before" : mode === "removed" ? `Removed, × ${made.gain}` : "After";
  $("tag-right").hidden = !split;
  $("tag-right").textContent = chosen.strength < 100 ? `After, ${chosen.strength} %` : "After";
  $("canvas").setAttribute("aria-label", `${picture.name}: ${$("tag-left").textContent}${split ? " on the left, after on the right" : ""}. `
    + "Arrow keys move it, plus and minus zoom, 0 fits it, 1 shows 100 %, B held shows before.");
  for (const input of document.querySelectorAll('#modes input[value="after"], #modes input[value="removed"]')) input.disabled = !made;
  $("under").textContent = mode === "removed" && made ? gone(made) : old?.window ? `${sentence(old.window)}; the file keeps its own.` : "";
  const nothing = picture.state === "failed" ? "This file cannot be shown" : old ? "" : "Opening …";
  $("hint").textContent = nothing;
  pages(picture, chosen);
  redraw();
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);
const gone = (made) => made.removed < 0.005 ? "Nothing was removed."
  : `Input minus result, shown ${made.gain} times as strong around grey. Only noise should be seen here; edges and texture mean that detail was taken, too. Red marks where that is certain.`;

function pages(picture, chosen) {
  const count = picture.facts.pages ?? 1;
  $("pages").hidden = count < 2;
  $("page-number").textContent = `Page ${chosen.page + 1} of ${count}`;
  $("page-back").disabled = chosen.page === 0;
  $("page-on").disabled = chosen.page + 1 >= count;
}

export function turn(by) {
  const picture = current(), chosen = choice(picture.id);
  chosen.page = Math.min(picture.facts.pages - 1, Math.max(0, chosen.page + by));
  arrange();
  turned();
}

export function fit() { place.fitted = true; place.changed(); }

function divide(part) {
  divided = Math.min(1, Math.max(0, part));
  const percent = Math.round(divided * 100);
  $("divider").style.left = `${divided * 100}%`;
  $("divider").setAttribute("aria-valuenow", percent);
  $("divider").setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % after`);
  redraw();
}

let turned = () => {}; // what else is to be told anew when the page changes

export function start(then) {
  turned = then;
  addPane($("canvas"), layers);
  divide(0.5);
  const divider = $("divider");
  divider.addEventListener("pointerdown", (event) => { divider.setPointerCapture(event.pointerId); divider.focus(); event.preventDefault(); });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = $("view").getBoundingClientRect();
    divide((event.clientX - box.left) / box.width);
  });
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const to = { ArrowLeft: divided - step, ArrowDown: divided - step, ArrowRight: divided + step, ArrowUp: divided + step,
      PageDown: divided - 0.1, PageUp: divided + 0.1, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    divide(to);
  });
  divider.addEventListener("wheel", (event) => $("canvas").dispatchEvent(new WheelEvent("wheel", event)), { passive: true });
  $("zoom-in").onclick = () => place.by(1.5);
  $("zoom-out").onclick = () => place.by(1 / 1.5);
  $("zoom-fit").onclick = fit;
  $("zoom-whole").onclick = () => place.to(1);
  $("page-back").onclick = () => turn(-1);
  $("page-on").onclick = () => turn(1);
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input:not([type=radio]), select, dialog, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { "+": () => place.by(1.5), "=": () => place.by(1.5), "-": () => place.by(1 / 1.5), 0: fit, 1: () => place.to(1), b: () => peek(true) };
    keys[event.key.toLowerCase()]?.();
  });
  document.addEventListener("keyup", (event) => event.key.toLowerCase() === "b" && peek(false));
  window.addEventListener("blur", () => peek(false));
}

function peek(on) { if (peeking !== on) { peeking = on; redraw(); } }
