// What the console does beside its links and forms. Everything works without it. What it says (`say`) is in copy.js.
"use strict";

// -- dialogs of browsers that do not know `commandfor` yet --
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (dialog) button.getAttribute("command") === "close" ? dialog.close() : dialog.showModal();
  });
}

// -- the palette: Ctrl-K, or / outside of a field --
const palette = document.querySelector("[data-palette]");
if (palette) {
  let waiting = false;
  const open = (event) => {
    event.preventDefault();
    waiting = false;
    palette.showModal();
    palette.querySelector("input").select();
  };
  // A browser takes the focus out of a closed dialog when it draws next: a "/" before that would be typed into its field.
  const close = () => {
    palette.close();
    if (palette.contains(document.activeElement)) document.activeElement.blur();
  };
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") open(event);
    else if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) open(event);
  });
  for (const link of document.querySelectorAll("[data-open-palette]")) link.addEventListener("click", open);
  for (const key of document.querySelectorAll("[data-shortcut]")) {
    key.textContent = /^(Mac|iP)/.test(navigator.platform) ? "⌘ K" : "Ctrl K";
    key.hidden = false;
  }
  palette.addEventListener("click", (event) => event.target === palette && close());
  // Enter opens the first result of what stands in the field, and waits for it when it is not there yet; Escape ends that.
  const openFirst = () => {
    const found = palette.querySelector("#found");
    waiting = found.dataset.words !== palette.querySelector("input").value.trim();
    if (!waiting) found.querySelector("a")?.click();
  };
  palette.addEventListener("htmx:afterSettle", () => waiting && palette.open && openFirst());
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [palette.querySelector("input"), ...palette.querySelectorAll(".found a")];
    const at = stops.indexOf(document.activeElement);
    if (step) {
      event.preventDefault();
      stops[(at + step + stops.length) % stops.length].focus();
    } else if (event.key === "Enter" && at === 0) {
      event.preventDefault();
      openFirst();
    } else if (event.key === "Escape") {
      event.preventDefault(); // which would only empty the field
      close();
    }
  });
}

// -- unsaved changes are guarded, and what was typed survives a lost session --
// A draft is for the same page and the same account: whoever signs in next must not find it.
const guarded = document.querySelector("form[data-guard]");
const drafts = `credenza draft ${document.body.dataset.account} `;
const draft = () => drafts + location.pathname + location.search; // as it is then: a list beside it has its own pages
const entries = (form) =>
  JSON.stringify([...new FormData(form)].filter(([name, value]) => name !== "csrf_token" && typeof value === "string"));

const saved = document.querySelector("[data-notice]");
for (const key of Object.keys(sessionStorage)) {
  if (key.startsWith("credenza draft ") && (saved || !key.startsWith(drafts))) sessionStorage.removeItem(key);
}
if (guarded) {
  const kept = sessionStorage.getItem(draft());
  if (kept) {
    sessionStorage.removeItem(draft());
    if (!guarded.querySelector("[aria-invalid]")) restore(guarded, JSON.parse(kept));
  }
  const before = guarded.querySelector("#form-error, [data-restored]") ? "" : entries(guarded); // not saved as it is
  guarded.addEventListener("submit", (event) => {
    if (event.submitter?.formTarget) return; // a preview leaves nothing
    sessionStorage.setItem(draft(), entries(guarded));
  });
  addEventListener("beforeunload", (event) => {
    if (!guarded.hasAttribute("aria-busy") && entries(guarded) !== before) event.preventDefault();
  });
}

function restore(form, pairs) {
  const before = entries(form);
  refill(form, pairs);
  if (entries(form) === before) return;
  const seen = pairs.find(([name]) => name === "seen"); // what was stored then, in case somebody else has changed it
  const told = form.querySelector("#form-error"); // and then this page has seen it
  if (seen && form.elements.seen && !told) form.elements.seen.value = seen[1];
  const words = document.createElement("p");
  words.className = "notice";
  words.dataset.restored = "";
  words.setAttribute("role", "status");
  words.textContent = "What you had typed is back. It is not saved yet.";
  form.prepend(words);
}

function refill(form, pairs) {
  for (const field of form.elements) {
    if (!field.name || field.name === "csrf_token" || field.type === "file" || field.type === "hidden") continue;
    const values = pairs.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
}

// -- what takes long shows progress; so does a form that was sent (once.js) --
const busy = (on) => document.documentElement.toggleAttribute("data-busy", on);
document.addEventListener("htmx:beforeRequest", () => busy(true));
document.addEventListener("htmx:afterRequest", () => busy(false));
for (const failed of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failed, () => {
    if (document.querySelector("[data-unanswered]")) return;
    const words = document.createElement("p");
    words.className = "alert";
    words.dataset.variant = "warning";
    words.dataset.unanswered = "";
    words.setAttribute("role", "alert");
    words.textContent = "The server did not answer, so this list may be old. Try again in a moment.";
    document.querySelector("main .page").prepend(words);
  });
}
document.addEventListener("htmx:afterSwap", () => document.querySelector("[data-unanswered]")?.remove());

// -- what a swap brought is said aloud; when the focus went with what was there before, it goes to what came --
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (!target.dataset.said) return;
  say(target.dataset.said);
  if (document.activeElement !== document.body) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
  target.scrollIntoView({ behavior: "instant" });
});

// -- lists of checkboxes that can be narrowed while typing --
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest("[data-narrow]")) event.preventDefault(); // it sends no form
});
document.addEventListener("input", (event) => {
  const narrow = event.target.closest("[data-narrow]");
  if (!narrow) return;
  const words = narrow.value.toLowerCase().split(/\s+/);
  for (const line of document.querySelectorAll(`${narrow.dataset.narrow} li`)) {
    line.hidden = !words.every((word) => line.textContent.toLowerCase().includes(word));
  }
  for (const group of document.querySelectorAll(`${narrow.dataset.narrow} :is(.group, .card)`)) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
  const unmatched = document.querySelector("[data-unmatched]");
  unmatched.hidden = Boolean(document.querySelector(`${narrow.dataset.narrow} li:not([hidden])`));
  say(unmatched.hidden ? "" : unmatched.textContent);
});

// -- a page in a frame is as high as it is, so that nothing of it is cut off --
const whole = (frame) => {
  frame.style.blockSize = "";
  const page = frame.contentDocument?.documentElement;
  if (page?.scrollHeight > frame.clientHeight) frame.style.blockSize = `${page.scrollHeight + 2}px`;
};
const frames = () => document.querySelectorAll("iframe.preview").forEach(whole);
document.addEventListener("load", (event) => event.target.matches?.("iframe.preview") && whole(event.target), true);
addEventListener("resize", frames);
frames();

// -- a file that is too large is not sent: the answer would only come when all of it is there --
document.addEventListener("change", ({ target }) => {
  if (!target.dataset.most) return;
  const tooLarge = target.files[0]?.size > target.dataset.most;
  if (tooLarge) target.value = "";
  target.closest(".field").querySelector("[data-too-large]").hidden = !tooLarge;
});

// -- a live preview: the form as it is typed, posted into a new frame that takes the old one's place when it is there --
const live = document.querySelector("form[data-live]");
if (live) {
  const stage = live.querySelector(".frame");
  const button = live.querySelector("[data-preview]");
  let waiting = 0;
  let drawn = 0;

  const show = () => {
    const number = ++drawn;
    const next = stage.querySelector("iframe").cloneNode();
    next.removeAttribute("src");
    next.hidden = true;
    next.name = `preview-${number}`;
    stage.append(next);
    const loaded = () => {
      if (next.contentWindow.location.href === "about:blank") return;
      if (number === drawn) {
        for (const old of stage.querySelectorAll("iframe")) if (old !== next) old.remove();
        next.hidden = false;
      } else next.remove();
    };
    next.addEventListener("load", loaded);
    if (button) {
      button.setAttribute("formtarget", next.name);
      live.requestSubmit(button);
    } else {
      const wanted = [...new FormData(live)].filter(([name, value]) => name.startsWith("preview_") && value);
      next.src = `${live.dataset.live}?${new URLSearchParams(wanted)}`;
    }
  };
  const later = (milliseconds) => {
    clearTimeout(waiting);
    waiting = setTimeout(show, milliseconds);
  };

  if (button) button.hidden = true;
  live.addEventListener("input", (event) => {
    if (event.target.name === "preview_size" || event.target.name?.endsWith("_address")) return;
    later(event.target.type === "text" || event.target.tagName === "TEXTAREA" ? 350 : 0);
  });
  for (const picker of live.querySelectorAll("[data-picks]")) {
    const field = document.getElementById(picker.dataset.picks);
    picker.hidden = false;
    picker.addEventListener("input", () => (field.value = picker.value));
    field.addEventListener("input", () => /^#[0-9a-f]{6}$/i.test(field.value) && (picker.value = field.value));
  }
  const fit = () => {
    const desktop = live.querySelector("[name=preview_size]:checked").value === "desktop";
    const room = stage.clientWidth - 32;
    const scale = Math.min(1, room / (desktop ? 1280 : 375));
    stage.style.setProperty("--scale", scale.toFixed(3));
  };
  live.addEventListener("change", fit);
  new ResizeObserver(fit).observe(stage);
}
