// A form is sent once: the answer to the first of two clicks would be lost, with its session or its recovery codes.
"use strict";

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (event.target.hasAttribute("aria-busy")) return event.preventDefault();
  event.target.setAttribute("aria-busy", "true");
  setTimeout(idle, 10_000, event.target);
});
addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(idle));

function idle(form) {
  form.removeAttribute("aria-busy");
}
