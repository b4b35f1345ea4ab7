// A button that shows what is typed as a password, in all such fields of a form until it is sent. Its words are the page's.
"use strict";

{
  const words = document.currentScript.dataset.words;

  for (const form of document.forms) {
    const fields = [...form.querySelectorAll("input[type=password]")];
    if (!fields.length) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn";
    button.dataset.variant = "ghost";
    button.dataset.size = "sm";
    button.textContent = words;
    const show = (on) => {
      for (const field of fields) field.type = on ? "text" : "password";
      button.setAttribute("aria-pressed", on);
    };
    for (const field of fields) {
      field.spellcheck = false; // some browsers ask a service about the words of a text
      field.autocapitalize = "none";
      field.setAttribute("autocorrect", "off");
    }
    show(false);
    button.addEventListener("click", () => show(fields[0].type === "password"));
    form.addEventListener("submit", () => show(false)); // what a browser keeps of a text is not for a password
    addEventListener("pagehide", () => show(false));
    const last = fields.at(-1);
    if (last.parentElement.matches(".field")) last.parentElement.append(button);
    else last.after(button);
  }
}
