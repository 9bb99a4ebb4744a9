"use strict";

// Shows each copy button, which is hidden where no script runs. Its texts stand
// in the page: data-copy and data-status name elements, data-done and
// data-failed are what the status says.
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
