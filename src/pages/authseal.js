"use strict";

// Pages work without this. The texts are in their data attributes.

// Shows each copy button, which is hidden where no script runs. data-copy and
// data-status name elements, data-done and data-failed are what the status says.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const status = document.getElementById(button.dataset.status);

  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    status.textContent = "";
    const copied = await copy(field);
    if (!copied) field.focus();
    button.classList.toggle("done", copied);
    status.textContent = copied ? button.dataset.done : button.dataset.failed;
  });
  button.hidden = false;
}

// navigator.clipboard needs https or loopback. By plain http the old command still works.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    const active = document.activeElement;
    field.select();
    const copied = document.execCommand("copy");
    if (copied) active.focus();
    return copied;
  }
}

// Shows the button that closes the window. A browser closes only one that a page opened.
for (const button of document.querySelectorAll("button[data-close]")) {
  const { close, status, failed } = button.dataset;
  button.addEventListener("click", () => {
    window.close();
    document.getElementById(status).textContent = failed;
  });
  button.hidden = close !== "at-once";
}

// Posts the AuthID to the opener, and to that origin only: data-origin, which
// the server saw, or what the person types. Unless the server says
// data-trusted, only when a button is pressed.
const sender = window.opener && document.querySelector("[data-post]");
if (sender) {
  const { post, origin, trusted, sent, wrong, heading } = sender.dataset;
  const status = sender.querySelector("[role=status]");
  const address = sender.querySelector("input");
  const button = sender.querySelector("[data-send]");

  const send = (target) => {
    const message = "authid:" + document.getElementById(post).value;
    window.opener.postMessage(message, target);
    status.textContent = sent;
    if (heading) showDone();
  };
  // What there is to do comes first, and the AuthID folds away.
  const showDone = () => {
    const close = sender.querySelector("[data-close]");
    document.getElementById("heading").textContent = heading;
    document.getElementById("face").setAttribute("href", "#done");
    document.querySelector("details.copy").open = false;
    for (const element of sender.querySelectorAll(".hint")) element.hidden = true;
    close.hidden = false;
    if (button) {
      button.hidden = true;
      close.focus();
    }
  };
  button?.addEventListener("click", () => {
    const target = origin ?? originOf(address.value);
    if (address) address.setAttribute("aria-invalid", String(!target));
    if (target) return send(target);
    status.textContent = wrong;
    address.focus();
  });
  sender.hidden = false;
  if (trusted !== undefined) send(origin);
}

function originOf(text) {
  try {
    const { origin, protocol } = new URL(text.trim());
    return /^https?:$/.test(protocol) ? origin : null;
  } catch {
    return null;
  }
}

// Remembers which services were chosen, the last one first.
const REMEMBERED = "authseal services";
const MOST = 3;
// Other authseals at this origin store theirs too.
const KEPT = 20;

function remembered() {
  try {
    const ids = JSON.parse(localStorage.getItem(REMEMBERED));
    return Array.isArray(ids) ? ids : [];
  } catch {
    return [];
  }
}

const links = [...document.querySelectorAll("a[data-service]")];
for (const link of links) {
  link.addEventListener("click", () => {
    const ids = new Set([link.dataset.service, ...remembered()]);
    try {
      localStorage.setItem(REMEMBERED, JSON.stringify([...ids].slice(0, KEPT)));
    } catch {
      // Storage is off.
    }
  });
}

const recent = document.querySelector(".recent");
if (recent) {
  const known = remembered().map((id) => links.find((link) => link.dataset.service === id));
  const items = known.filter(Boolean).slice(0, MOST).map((link) => link.closest("li"));
  recent.querySelector("ul").append(...items);
  recent.hidden = !items.length;
  recent.querySelector(".others").hidden = items.length === links.length;
  recent.querySelector("button").addEventListener("click", () => {
    localStorage.removeItem(REMEMBERED);
    location.reload();
  });
}

const search = document.querySelector(".search");
if (search) {
  const field = search.querySelector("input");
  const status = search.querySelector("[role=status]");
  const items = links.map((link) => link.closest("li"));
  const shown = () => items.filter((item) => !item.hidden);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const item of items) {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
    const { none, one } = status.dataset;
    status.textContent = [none, one][shown().length] ?? "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const [only, ...others] = shown();
    if (only && !others.length) only.querySelector("a").click();
  });
  search.hidden = false;
}

// A code in the fragment of the address goes into its field, and out of the browser's history.
const code = document.querySelector("[data-fragment]");
const takeCode = () => {
  if (!code || location.hash.length < 2) return;
  code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
};
takeCode();
// Another link in the same tab loads no page.
addEventListener("hashchange", takeCode);
