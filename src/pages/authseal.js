"use strict";

// Everything here is a convenience: pages work without it. The texts stand in the
// pages, in data attributes.

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

// navigator.clipboard is there under https and on loopback only, and many a
// server at home is reached by plain http: there the old command still works.
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

// Posts the AuthID to the page that opened this one, and to that origin only:
// data-origin, which the server saw, or what the person types where it saw none.
// Unless the server says data-trusted, only when a button is pressed.
const sender = window.opener && document.querySelector("[data-post]");
if (sender) {
  const { post, origin, trusted, sent, wrong } = sender.dataset;
  const status = sender.querySelector("[role=status]");
  const address = sender.querySelector("input");

  const send = (target) => {
    const message = "authid:" + document.getElementById(post).value;
    window.opener.postMessage(message, target);
    status.textContent = sent;
  };
  sender.querySelector("button")?.addEventListener("click", () => {
    const target = origin ?? originOf(address.value);
    if (target) send(target);
    else status.textContent = wrong;
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

// A long list of services gets a field that shortens it.
const filter = document.querySelector("[data-filter]");
if (filter) {
  const items = document.querySelectorAll(`#${filter.dataset.filter} > li`);
  const status = filter.querySelector("[role=status]");
  filter.addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const item of items) {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      if (!item.hidden) shown += 1;
    }
    status.textContent = shown ? "" : status.dataset.none;
  });
  filter.hidden = false;
}
