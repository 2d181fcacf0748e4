// Refreshes what is marked as live, every ten seconds, while somebody looks. Without this script the page reloads.
"use strict";

const seconds = 10;
const told = document.getElementById("told-live");

function isBusy(part) {
  return part.contains(document.activeElement) && document.activeElement !== document.body
    || part.querySelector("input:checked") !== null;
}

function take(old, fresh) {
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? one.open; });
  old.replaceWith(fresh);
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { "Accept": "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.innerHTML !== old.innerHTML && !isBusy(old)) take(old, document.adoptNode(fresh));
    }
    if (told) told.textContent = "live";
  } catch {
    if (told) told.textContent = "the gateway does not answer; tried again every " + seconds + " seconds";
  }
}

if (document.querySelector("[data-live]")) {
  if (told) told.textContent = "live";
  setInterval(refresh, seconds * 1000);
}
