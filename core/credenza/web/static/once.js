// A form is sent once: the answer to the first of two clicks would be lost, with its session or its recovery codes.
"use strict";

const patience = new WeakMap(); // what ends the wait of a form when no answer has come

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.target || event.submitter?.formTarget) return; // of a preview there may be many
  if (form.hasAttribute("aria-busy")) return event.preventDefault();
  form.setAttribute("aria-busy", "true");
  patience.set(form, setTimeout(idle, 5_000, form));
});
const stop = () => document.querySelectorAll("form[aria-busy]").forEach(idle);
addEventListener("pageshow", stop);
addEventListener("keydown", (event) => event.key === "Escape" && stop()); // it stops what is under way

function idle(form) {
  clearTimeout(patience.get(form));
  form.removeAttribute("aria-busy");
}
