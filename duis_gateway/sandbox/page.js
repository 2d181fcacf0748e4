// Shows what is new without losing what is being typed: the page itself is the answer, and only its moving parts change.
let seen = document.querySelector("main").dataset.seen;
async function look() {
  try {
    const status = await (await fetch("/v1/status")).json();
    const now = JSON.stringify([status.clock, status.messages, status.mails,
      status.parties.map(p => [p.url, p.behaviour, p.waiting, p.given_up])]);
    if (seen === now) return;
    const first = seen === undefined;
    seen = now;
    if (first) return;
    const fresh = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (other && !part.contains(document.activeElement)) part.replaceWith(other);
    }
  } catch { /* the sandbox is not there just now */ }
}
setInterval(look, 2000);
look();
