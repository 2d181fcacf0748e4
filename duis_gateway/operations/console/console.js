// Takes in what has changed on a page, while somebody looks: the gateway tells when (server-sent events), and the page
// fetches itself and changes its live parts. Where nothing can be told, it looks every ten seconds. Without this script
// the page reloads.
"use strict";

const POLL = 10000, REST = 2000, SETTLE = 3000, AGAIN = 60000;
const told = document.getElementById("told-live");
let events = null, opened = 0, fetching = false, wanted = false, rests = false, timer = null;

function say(text) {
  if (told) told.textContent = text;
}

function isBusy(part) {
  return part.contains(document.activeElement) && document.activeElement !== document.body
    || [...part.querySelectorAll("input")].some((one) => one.value !== one.defaultValue || one.checked);
}

function take(old, fresh) {
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? one.open; });
  old.replaceWith(fresh);
}

const isTold = () => events !== null && events.readyState === EventSource.OPEN;

async function refresh() {
  if (document.hidden) return;
  if (fetching || rests) { wanted = true; return; }
  fetching = true;
  wanted = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { "Accept": "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh || fresh.innerHTML === old.innerHTML) continue;
      if (isBusy(old)) later(POLL);
      else take(old, document.adoptNode(fresh));
    }
    // Figures that take long to count come later than what has happened.
    if (document.querySelector("[data-behind]")) later(POLL);
    say(isTold() ? "live" : "live, every " + POLL / 1000 + " seconds");
  } catch {
    say("the gateway does not answer; tried again every " + POLL / 1000 + " seconds");
    later(POLL);
  }
  fetching = false;
  // A page that takes long to make is not asked for all the time.
  rests = true;
  setTimeout(() => { rests = false; if (wanted) refresh(); }, Math.max(REST, 5 * (performance.now() - began)));
}

function later(wait) {
  clearTimeout(timer);
  timer = setTimeout(refresh, wait);
}

function listen() {
  if (events !== null || document.hidden || !("EventSource" in window)) return;
  opened = Date.now();
  events = new EventSource("/events");
  // Something may have changed before this began, and figures that are counted beside the requests come a moment later.
  events.addEventListener("open", () => later(SETTLE));
  events.addEventListener("changed", () => { refresh(); later(SETTLE); });
}

// A browser has few connections for one gateway: a page that nobody looks at leaves them to the others.
function look() {
  if (document.hidden) {
    events?.close();
    events = null;
  } else {
    listen();
    refresh();
  }
}

if (document.querySelector("[data-live]")) {
  say("live");
  listen();
  document.addEventListener("visibilitychange", look);
  setInterval(() => {
    if (isTold()) return;
    // What was refused is not tried again by the browser; what broke off is.
    if (events?.readyState === 2 && Date.now() - opened > AGAIN) { events.close(); events = null; listen(); }
    refresh();
  }, POLL);
}
