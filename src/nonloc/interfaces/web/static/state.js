// What the page knows: pictures and works as the server told them, and what the user chose for each picture.

import { ask, changes } from "./api.js";

export const pictures = new Map();
export const works = new Map();
const choices = new Map(); // picture -> { method, sigma, strength (0 to 100), page, compare: [work ids] }
export const page = { current: null, mode: "split", since: 0 };

export const $ = (id) => document.getElementById(id);

// An element with properties, attributes (those with a dash) and children.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value); else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function choice(id) {
  if (!choices.has(id)) choices.set(id, { method: "", sigma: "", strength: 100, page: 0, compare: [], download: null });
  return choices.get(id);
}

export const current = () => pictures.get(page.current);

export const wanted = (id, strength = 1) => {
  const chosen = choice(id);
  return { picture: id, method: chosen.method || null, sigma: chosen.sigma.trim() || "auto", strength };
};

const same = (work, asked) => work.picture === asked.picture && (work.settings.method ?? null) === asked.method
  && work.settings.sigma === asked.sigma && work.settings.strength === asked.strength;

// The newest work for what is chosen; with strength 1 it is the one that is shown.
export const workFor = (id, strength = 1) =>
  [...works.values()].reverse().find((work) => same(work, wanted(id, strength)));

export const isOpen = (work) => work && (work.state === "waiting" || work.state === "working");
export const busy = () => [...pictures.values()].some((p) => p.state === "looking") || [...works.values()].some(isOpen);

export async function restore(id, strength = 1, settings = wanted(id, strength)) {
  const work = await ask(settings, "works");
  works.delete(work.id);
  works.set(work.id, work);
  return work;
}

// All that changed; returns the pictures and works that did.
export async function refresh() {
  const news = await changes(page.since);
  page.since = news.version;
  page.upload = news.upload;
  for (const one of news.pictures) pictures.set(one.id, one);
  for (const one of news.works) works.set(one.id, one);
  return news;
}

export function forget(id) {
  pictures.delete(id);
  choices.delete(id);
  for (const work of [...works.values()]) if (work.picture === id) works.delete(work.id);
}

export const seconds = (value) => value < 0.095 ? `${value.toFixed(2)} s` : value < 9.95 ? `${value.toFixed(1)} s` : value < 60 ? `${Math.round(value)} s`
  : value < 3600 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;

export const bytes = (value) => value < 1e6 ? `${Math.max(1, Math.round(value / 1e3))} kB` : value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;

// How far a work is, 0 to 1: by its tiles, and between them by the time that it should take.
export function fraction(work) {
  const expected = pictures.get(work.picture)?.plan?.expected_cpu_seconds;
  const guess = expected && !work.settings.method ? Math.min(0.9, work.running / (1.3 * expected + 1)) : null;
  return Math.max(work.done, guess ?? 0) || null;
}
