// Through the prototype, because a parameter may be called "submit". OAuth 2.0 Form Post Response Mode §2.
HTMLFormElement.prototype.submit.call(document.forms[0]);
