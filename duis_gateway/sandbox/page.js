// Shows what is new without losing what is being typed: the page itself is the answer, and only its moving parts change.
const TYPED = "input:not([type=hidden]), textarea";
const LOOK = 2000, BUSY = 10000;
let seen = "", wait = LOOK;
function isBusy(part) {
  return part.querySelector(":is(a, button, input, select, textarea, summary):focus") !== null
    || [...part.querySelectorAll(TYPED)].some(one => one.value !== one.defaultValue)
    || [...part.querySelectorAll("option")].some(one => one.selected !== one.defaultSelected);
}
function take(old, fresh) {
  const open = [...old.querySelectorAll("details")].map(one => one.open);
  fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? one.open; });
  const region = old.querySelector("[role=region]:focus");
  old.replaceWith(fresh);
  if (region) fresh.querySelector("[role=region]")?.focus({ preventScroll: true });
}
const got = async place => (await fetch(place)).text();
async function look() {
  wait = LOOK;
  if (document.hidden) return;
  try {
    const now = await got("/v1/status");
    if (now === seen) return;
    const fresh = new DOMParser().parseFromString(await got(location.href), "text/html");
    // What the page caught may be over again, as where a message was just being tried: then it is made once more.
    const stood = now === await got("/v1/status");
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other || other.innerHTML === part.innerHTML) continue;
      if (isBusy(part)) wait = BUSY;
      else take(part, document.adoptNode(other));
    }
    if (wait === LOOK) seen = stood ? now : "";
  } catch { /* the sandbox is not there just now */ }
}
async function follow() {
  await look();
  setTimeout(follow, wait);
}
document.addEventListener("visibilitychange", look);
follow();
