// The page: pictures come in, are looked at, restored and given back. Nothing is asked of any other machine.

import { address, begin, drop, upload } from "./api.js";
import * as compare from "./compare.js";
import * as panel from "./panel.js";
import * as stage from "./stage.js";
import { $, bytes, busy, choice, current, forget, isOpen, make, page, pictures, refresh, restore, workFor, works } from "./state.js";

const OFTEN = 250, SELDOM = 60_000;
let coming = 0, polling = false, methodsFor = null;

function alertOf(told) {
  const close = make("button", { type: "button", className: "quiet", textContent: "×", "aria-label": "Dismiss" });
  const box = make("div", { className: "problem" }, make("div", {}, ...panel.problem(told)), close);
  close.onclick = () => box.remove();
  $("alerts").append(box);
}
const refused = (error) => alertOf(error.told ?? { asked: "the page", found: String(error), do: "Load it anew" });
const say = (text) => { $("status").textContent = text; };

// ---- what is shown
function show() {
  document.body.classList.toggle("empty", !pictures.size);
  document.body.classList.toggle("many", pictures.size > 1);
  if (!pictures.has(page.current)) page.current = pictures.keys().next().value ?? null;
  strip();
  settings();
  panel.show();
  compare.show(use);
  stage.arrange();
  const done = finished();
  $("download-all").disabled = done.length === 0;
  $("download-all").textContent = done.length ? `Download all (${done.length}) as zip` : "Download all";
  const open = [...works.values()].some(isOpen);
  $("restore-all").textContent = open ? "Cancel all" : "Restore all";
  $("restore-all").disabled = !open && [...pictures.values()].every((one) => one.state === "failed" || workFor(one.id)?.state === "done");
}

function strip() {
  const list = $("strip").firstElementChild, known = new Map([...list.children].map((item) => [item.dataset.id, item]));
  for (const [id, item] of known) if (!pictures.has(id)) item.remove();
  for (const picture of pictures.values()) {
    const item = known.get(picture.id) ?? entry(picture, list), button = item.firstElementChild;
    button.setAttribute("aria-current", picture.id === page.current);
    const [text, bad] = standing(picture), sub = item.querySelector(".sub");
    if (sub.textContent !== text) sub.textContent = text;
    sub.classList.toggle("bad", bad);
    const seen = stage.before(picture), frame = item.querySelector(".thumb");
    if (seen && !frame.firstChild) {
      frame.append(make("img", { alt: "", src: seen.squares.address(seen.sizes.length - 1, 0, 0) }));
    }
  }
}

function entry(picture, list) {
  const button = make("button", { type: "button", title: picture.name }, make("span", { className: "thumb" }),
    make("span", { className: "label", textContent: picture.name }), make("span", { className: "sub" }));
  button.onclick = () => { page.current = picture.id; show(); };
  const item = make("li", {}, button);
  item.dataset.id = picture.id;
  list.append(item);
  return item;
}

function standing(picture) {
  if (picture.state === "failed") return ["cannot be read", true];
  if (!picture.plan) return ["looking …", false];
  const work = workFor(picture.id);
  if (work?.state === "failed") return ["failed", true];
  if (work?.state === "working") return [work.done ? `${Math.round(work.done * 100)} %` : "restoring …", false];
  if (work?.state === "done") return [work.record.changed ? "restored" : "left as it is", false];
  if (work) return [work.state, false];
  return [picture.plan.changed ? "to be restored" : "nothing to do", false];
}

// ---- settings
async function settings() {
  const picture = current();
  if (!picture || picture.state === "failed") return;
  const chosen = choice(picture.id);
  if (picture.plan && methodsFor !== picture.id) {
    methodsFor = picture.id;
    try {
      const offers = await compare.offersOf(picture);
      $("method").replaceChildren(make("option", { value: "", textContent: "Automatic" }), ...offers.map((one) => {
        const option = make("option", { value: one.name, textContent: one.name, disabled: Boolean(one.unfit) });
        option.dataset.advice = one.advice;
        return option;
      }));
      show();
    } catch (error) { methodsFor = null; refused(error); }
  }
  for (const [name, value] of [["method", chosen.method], ["sigma", chosen.sigma], ["strength", String(chosen.strength)]]) {
    if ($(name).value !== value && document.activeElement !== $(name)) $(name).value = value;
  }
  $("strength-out").textContent = `${chosen.strength} %`;
}

function use(method) {
  Object.assign(choice(page.current), { method });
  setMode("split");
}

async function setMode(mode) {
  if (mode === "compare" && current()) {
    let ran = false;
    try { ran = await compare.choose(refused); } catch (error) { refused(error); }
    if (!ran && !choice(page.current).compare.length) mode = page.mode === "compare" ? "split" : page.mode;
  }
  page.mode = mode;
  document.querySelector(`#modes input[value="${mode}"]`).checked = true;
  show();
  poll();
}

// ---- doing
async function begun(id, strength = 1) {
  try {
    await restore(id, strength);
    show();
    poll();
  } catch (error) { refused(error); }
}

async function stop(work) {
  try { works.set(work.id, await drop("works", work.id)); } catch (error) { refused(error); }
  say("Cancelled");
  show();
}

const finished = () => [...pictures.keys()].map((id) => workFor(id)).filter((work) => work?.state === "done");

function save(href) { make("a", { href, download: "" }).click(); }

async function download(event) {
  const picture = current(), chosen = choice(picture.id);
  if ($("download").hasAttribute("href")) return;
  event.preventDefault();
  chosen.download = chosen.strength; // to be saved when it is done
  await begun(picture.id, chosen.strength / 100);
}

function saveWhatWasWaitedFor(work) {
  const chosen = choice(work.picture);
  if (work.state !== "done" || chosen.download === null || work.settings.strength !== chosen.download / 100) return;
  chosen.download = null;
  save(address("works", work.id, "file"));
}

async function restoreAll() {
  const open = [...works.values()].filter(isOpen);
  if (open.length) return Promise.all(open.map(stop));
  for (const picture of [...pictures.values()]) {
    if (picture.state === "ready" && !["done", "waiting", "working"].includes(workFor(picture.id)?.state)) await begun(picture.id);
  }
}

async function remove(id) {
  forget(id); // first, so that nothing of it is asked for while it goes
  show();
  try { await drop("pictures", id); } catch (error) { if (error.status !== 404) refused(error); }
}

// ---- coming in
async function add(files) {
  const list = [...files];
  coming += list.length;
  for (const file of list) {
    say(`Adding ${file.name}`);
    try {
      if (file.size > page.upload) {
        alertOf({ asked: file.name, found: `it is ${bytes(file.size)}, and the page takes ${bytes(page.upload)} at most`,
          do: "Run 'nonloc restore' on it in a terminal, which has no such limit" });
        continue;
      }
      const picture = await upload(file);
      pictures.set(picture.id, picture);
      page.current ??= picture.id;
      show();
      poll();
    } catch (error) {
      refused(error);
      if (error.status === 404) break;
    } finally { coming -= 1; }
  }
}

async function filesIn(entry) {
  if (entry.isFile) return new Promise((take, fail) => entry.file((file) => take([file]), fail));
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (!some.length) return found;
    for (const one of some) if (!one.name.startsWith(".")) found.push(...await filesIn(one));
  }
}

function dropping() {
  let depth = 0;
  const inside = (by) => { depth = Math.max(0, depth + by); document.body.classList.toggle("dropping", depth > 0); };
  addEventListener("dragenter", (event) => { event.preventDefault(); inside(1); });
  addEventListener("dragleave", () => inside(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    depth = 0;
    inside(0);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    add(entries.some((one) => one.isDirectory) ? (await Promise.all(entries.map(filesIn))).flat() : plain);
  });
}

// ---- hearing from the server: often while something is under way, else now and then, so that it knows we are here
async function poll() {
  if (polling) return;
  polling = true;
  try {
    do {
      const news = await refresh();
      for (const work of news.works) { saveWhatWasWaitedFor(work); tell(work); }
      show();
      if (busy() || coming) await new Promise((over) => setTimeout(over, OFTEN));
    } while (busy() || coming);
  } catch (error) {
    refused(error);
    if (error.status === 404) { sessionStorage.removeItem("nonloc-session"); await begin().catch(refused); pictures.clear(); works.clear(); page.since = 0; show(); }
  } finally { polling = false; }
}

function tell(work) {
  const name = pictures.get(work.picture)?.name;
  if (work.state === "done") say(`${name} is ready`);
  if (work.state === "failed") say(`${name} failed: ${work.error.found}`);
}

// ---- light and dark
function theme(asked) {
  const dark = asked ?? localStorage.getItem("nonloc-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = dark;
  if (asked) localStorage.setItem("nonloc-theme", asked);
}

function wire() {
  for (const id of ["add", "choose"]) $(id).onclick = () => $("files").click();
  $("files").onchange = () => { add($("files").files); $("files").value = ""; };
  $("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
  for (const input of document.querySelectorAll("#modes input")) input.onchange = () => setMode(input.value);
  document.querySelector('#modes input[value="compare"]').onclick = () => { if (page.mode === "compare") setMode("compare"); };
  $("restore").onclick = () => begun(page.current);
  $("cancel").onclick = () => [...works.values()].filter((work) => work.picture === page.current && isOpen(work)).forEach(stop);
  $("download").onclick = download;
  $("download").onkeydown = (event) => { if (event.key === "Enter") download(event); };
  $("restore-all").onclick = restoreAll;
  $("download-all").onclick = () => save(`${address("zip")}?works=${finished().map((work) => work.id).join(",")}`);
  $("remove").onclick = () => remove(page.current);
  $("remove-all").onclick = async () => { for (const id of [...pictures.keys()]) await remove(id); };
  $("settings").onsubmit = (event) => { event.preventDefault(); begun(page.current); };
  for (const name of ["method", "sigma", "strength"]) {
    $(name).oninput = () => { choice(page.current)[name] = name === "strength" ? Number($(name).value) : $(name).value; show(); };
  }
}

theme();
wire();
dropping();
stage.start(panel.show);
begin().then(poll, refused);
setInterval(poll, SELDOM);
