// What is read aloud, and the buttons that copy: they say "Copied" to eyes and to ears.
"use strict";

// -- what is read aloud: an open dialog hides from ears what stands behind it, so it has a place of its own --
let silence = 0;
const say = (words) => {
  clearTimeout(silence);
  for (const place of document.querySelectorAll("[data-heard]")) {
    place.textContent = place.closest("dialog") === document.querySelector("dialog[open]") ? words : "";
  }
};

// -- copy buttons; some are hidden where there is no script --
for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const area = document.createElement("textarea"); // pages over plain http have no clipboard
    area.value = button.dataset.copy;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const words = button.querySelector("[data-words]");
  const before = words.textContent;
  const copied = button.dataset.copied ?? "Copied";
  if (before === copied) return;
  words.textContent = copied;
  say(copied);
  silence = setTimeout(say, 2000, ""); // unless something else is said meanwhile
  setTimeout(() => (words.textContent = before), 2000);
});
