// A form is sent once: the answer to the first of two clicks would be lost, with its session or its recovery codes.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.target || event.submitter?.formTarget) return; // of a preview there may be many
  if (form.hasAttribute("aria-busy")) return event.preventDefault();
  form.setAttribute("aria-busy", "true");
  setTimeout(idle, 10_000, form);
});
addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(idle));

function idle(form) {
  form.removeAttribute("aria-busy");
}
