// The right-hand side: what the picture is, what is wrong, what would be done, what was done.

import { address } from "./api.js";
import { after } from "./stage.js";
import { $, bytes, choice, current, fraction, isOpen, make, seconds, workFor } from "./state.js";

const sentence = (text) => text ? text[0].toUpperCase() + text.slice(1) : "";
const WORDS = [[1.5, "hardly any noise"], [6, "slight noise"], [15, "moderate noise"], [35, "strong noise"], [Infinity, "very strong noise"]];

// The noise that a record tells of: [its level (of shot noise: on middle gray), in words], or null.
const noiseOf = (degradation) => {
  const [, kind, values] = /^(gaussian|poisson-gaussian):([\d.e,+-]+)$/.exec(degradation ?? "") ?? [];
  const [first, read = 0] = (values ?? "").split(",").map(Number);
  if (kind === "gaussian") return [first, `noise of sigma ${first}`];
  if (kind) return [255 * Math.sqrt(first / 2 + (read / 255) ** 2), `shot noise of gain ${first} and read noise of sigma ${read}`];
  return null;
};
const target = (record) => record.degradation ? ` for ${noiseOf(record.degradation)?.[1] ?? record.degradation}` : "";

export function problem(told) {
  return [make("p", {}, make("strong", { textContent: told.asked })), make("p", { textContent: `${sentence(told.found)}.` }),
    make("p", { className: "do", textContent: `${told.do}.` })];
}

export function show() {
  const picture = current();
  if (!picture) return;
  $("name").textContent = picture.name;
  const { facts } = picture;
  $("facts").textContent = [facts.width && `${facts.width} × ${facts.height}`, facts.depth && depth(facts),
    facts.pages > 1 && `${facts.pages} pages`, facts.format?.toUpperCase(), bytes(picture.size)].filter(Boolean).join(" · ");
  $("problem").hidden = picture.state !== "failed";
  $("good").hidden = picture.state === "failed";
  if (picture.state === "failed") return $("problem").replaceChildren(...problem(picture.error));
  diagnosis(picture);
  act(picture);
  record(picture);
}

const depth = (facts) => facts.depth.startsWith("float") ? `${facts.depth.slice(5)}-bit float` : `${facts.bits} bits`;

function diagnosis({ plan, facts }) {
  $("diagnosis").textContent = plan ? described(plan) : "Looking at it …";
  const first = facts.pages > 1 ? " (the first page; each page gets a plan of its own)" : "";
  if (!plan) $("plan").textContent = "";
  else if (!plan.changed) $("plan").textContent = `Leave it as it is${first}: ${plan.reason}.`;
  else {
    const time = plan.expected_cpu_seconds ? `, about ${seconds(Math.max(1, Math.round(plan.expected_cpu_seconds))).replace(".0", "")}` : "";
    $("plan").textContent = `${plan.title || plan.method}${target(plan)}${first}: ${plan.reason}${time}.`;
  }
  const notes = plan ? [...(plan.warnings ?? []), ...(plan.fallbacks ?? [])] : [];
  $("notes").replaceChildren(...notes.map((text) => make("li", { textContent: `${sentence(text)}.` })));
}

function described(plan) {
  const level = plan.changed ? noiseOf(plan.degradation)?.[0] ?? null : null;
  const word = level !== null ? `${sentence(WORDS.find(([most]) => level < most)[1])}: ` : "";
  return `${word ? word + plan.diagnosis : plan.changed ? sentence(plan.diagnosis) : `Nothing that is seen: ${plan.diagnosis}`}.`;
}

function act(picture) {
  const chosen = choice(picture.id), strength = chosen.strength / 100;
  const whole = workFor(picture.id), weak = strength < 1 ? workFor(picture.id, strength) : null;
  const open = [weak, whole].find(isOpen), done = whole?.state === "done";
  $("running").hidden = !open;
  if (open) progress(open, picture);
  const idle = !chosen.method && !chosen.sigma.trim() && picture.plan && !picture.plan.changed;
  $("restore").hidden = Boolean(open) || done || Boolean(idle);
  $("restore").disabled = !picture.plan;
  $("restore").textContent = whole && !done && !open ? "Try again" : "Restore";
  $("download").hidden = !done || Boolean(open);
  const file = strength < 1 ? weak : whole;
  if (file?.state === "done") $("download").href = address("works", file.id, "file"); else $("download").removeAttribute("href");
  $("download").tabIndex = 0;
  $("download").setAttribute("role", file?.state === "done" ? "link" : "button");
  $("download").textContent = strength < 1 ? `Download at ${chosen.strength} %` : "Download";
  $("outcome").replaceChildren(...outcome(picture, whole, weak));
  const at = [...$("method").options].find((option) => option.value === chosen.method);
  $("advice").textContent = at?.dataset.advice ?? "";
}

function progress(work, picture) {
  const part = fraction(work);
  if (part === null) $("progress").removeAttribute("value"); else $("progress").value = part;
  const left = work.left ? `, about ${seconds(work.left)} left` : "";
  $("doing").textContent = work.state === "waiting" ? "Waiting for the work before it" : work.done === 1 ? "Getting the view ready"
    : `Restoring ${picture.name}${left} (${seconds(work.running)} so far)`;
}

function outcome(picture, whole, weak) {
  const failed = [weak, whole].find((work) => work?.state === "failed");
  if (failed) return [make("span", { className: "problem" }, ...problem(failed.error).map((p) => make("span", {}, ...p.childNodes, " ")))];
  if (whole?.state === "cancelled") return ["Cancelled; nothing was written."];
  if (whole?.state !== "done") return [];
  const { page } = choice(picture.id), record = whole.record.pages?.[page] ?? whole.record;
  const of = whole.record.pages ? `Page ${page + 1}: ` : "", removed = after(picture)?.removed;
  if (!record.method) return [sentence(`${of}left as it is: ${record.reason}.`)];
  return [sentence(`${of}restored in ${seconds(of ? record.seconds : whole.seconds)} with ${record.method}${target(record)}.${removed === undefined ? "" : ` Removed: ${removed.toFixed(1)} of 255 on average${structure(record)}.`}`)];
}

// Where neighbours agree in what was removed, it was not noise.
function structure(record) {
  const part = record.found?.["structure removed with the noise"];
  if (part === undefined) return "";
  return part < 0.0005 ? ", noise only as far as one can tell" : `; structure was removed with it on ${(100 * part).toFixed(1)} % of the picture`;
}

function record(picture) {
  const whole = workFor(picture.id), strength = choice(picture.id).strength / 100;
  const work = strength < 1 ? workFor(picture.id, strength) ?? whole : whole;
  $("more").hidden = work?.state !== "done";
  if (work?.state !== "done") return;
  const { record } = work, pages = record.pages?.length;
  $("record").textContent = [record.diagnosis, record.changed ? `${record.title}${target(record)}: ${record.reason}` : `left as it is: ${record.reason}`,
    record.weights && `weights ${record.weights} (sha256 ${record.weights_sha256.slice(0, 12)}, ${record.weights_licence})`,
    record.changed && `${seconds(record.seconds)} on ${record.device}, ${record.tiles === 1 ? "in one piece" : `${record.tiles} tiles`}`,
    pages && `${pages} pages, ${record.pages.filter((one) => one.changed).length} of them restored`,
    ...record.warnings, ...record.fallbacks].filter(Boolean).join("\n");
  $("command").textContent = work.command;
  $("report").hidden = false;
  $("report").href = address("works", work.id, "report");
}
