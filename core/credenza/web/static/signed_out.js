// Onward as soon as every frame has loaded; without script, or with a frame that does not end, the page goes by itself.
window.addEventListener("load", function () {
  location.replace(document.querySelector("meta[name=next]").content);
});
