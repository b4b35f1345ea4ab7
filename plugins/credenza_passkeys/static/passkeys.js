// Asks the device for a passkey when its button is pressed, and puts the answer into the button's form. WebAuthn Level 3.
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function parsed(text) {
  const options = JSON.parse(text);
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const list of [options.allowCredentials, options.excludeCredentials]) {
    for (const credential of list || []) credential.id = toBytes(credential.id);
  }
  return options;
}

function answer(credential) {
  const { response } = credential;
  const members = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) members[name] = toText(response[name]);
  }
  if (response.getTransports) members.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: {},
    response: members,
  });
}

function say(button, text) {
  let place = button.parentElement.querySelector(".passkey-failed");
  if (!place) {
    place = document.createElement("p");
    place.className = "passkey-failed";
    place.setAttribute("role", "alert");
    button.after(place);
  }
  place.textContent = text;
}

function send(button, credential) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = "credential";
  input.value = answer(credential);
  button.form.append(input);
  button.disabled = false;
  button.form.requestSubmit(button);
}

let offer = new AbortController(); // only one question can be open

async function press(event) {
  const button = event.currentTarget;
  if (button.form.elements.credential) return; // answered: this is the form on its way
  event.preventDefault();
  button.disabled = true;
  offer.abort();
  try {
    const publicKey = parsed(button.dataset.options);
    send(button, await navigator.credentials[button.dataset.passkey]({ publicKey }));
  } catch (error) {
    button.disabled = false;
    say(button, button.dataset.failed);
    offerOf(button);
  }
}

// Where a name is typed, the browser offers its passkeys with what it fills in, and nobody has to press a button.
async function offerOf(button) {
  const field = document.querySelector("input[autocomplete^=username]:not([hidden])");
  if (!field || button.dataset.passkey !== "get") return;
  offer = new AbortController(); // at once, for whoever presses the button while this waits for an answer
  const { signal } = offer;
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.())) return;
  field.autocomplete = "username webauthn";
  const publicKey = parsed(button.dataset.options);
  try {
    send(button, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
  } catch (error) {
    // Nobody chose one, or the button was pressed.
  }
}

if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll("button[data-passkey]")) {
    button.hidden = false;
    button.addEventListener("click", press);
    offerOf(button);
  }
  for (const line of document.querySelectorAll(".or[hidden]")) line.hidden = false;
}
