// Small behaviours by data attributes; every page works without them, if less comfortably.
(function () {
  "use strict";

  function say(text) {
    var place = document.getElementById("spoken");
    if (place) { place.textContent = text; }
  }

  function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) { return navigator.clipboard.writeText(text); }
    // Plain http on a host other than localhost has no clipboard; the old way still works there.
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copy refused"));
  }

  function onCopy(button) {
    var source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
    copyText(source ? source.textContent : button.dataset.copy).then(function () {
      button.classList.add("copied");
      say(button.dataset.copied);
      window.setTimeout(function () { button.classList.remove("copied"); }, 1600);
    }, function () { /* refused by the browser: the text stays selectable */ });
  }

  function onTab(button) {
    button.closest("[role=tablist]").querySelectorAll("[role=tab]").forEach(function (tab) {
      var selected = tab === button;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    });
  }

  document.addEventListener("click", function (event) {
    var copy = event.target.closest(".copy");
    if (copy) { event.preventDefault(); onCopy(copy); return; }
    var tab = event.target.closest("[role=tab]");
    if (tab) { onTab(tab); return; }
    var menu = event.target.closest("[data-menu]");
    if (menu) {
      var open = document.getElementById(menu.dataset.menu).classList.toggle("open");
      menu.setAttribute("aria-expanded", String(open));
      return;
    }
    if (event.target.closest("[data-close]") && event.target.closest("dialog")) {
      event.preventDefault();
      event.target.closest("dialog").close();
    }
  });

  document.addEventListener("keydown", function (event) {
    var tab = event.target.closest && event.target.closest("[role=tab]");
    if (!tab || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) { return; }
    var tabs = Array.from(tab.closest("[role=tablist]").querySelectorAll("[role=tab]"));
    var step = event.key === "ArrowRight" ? 1 : -1;
    var next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    onTab(next);
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id === "sheet-body") { document.getElementById("sheet").showModal(); }
  });

  // A part that refreshes itself waits while nobody looks at the page, and while somebody is at work inside it.
  function isBusy(part) {
    var selection = window.getSelection();
    var selecting = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    var focused = part.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
    return document.hidden || selecting || focused;
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.target.matches("[data-live]") && isBusy(event.target)) { event.preventDefault(); }
  });

  // "Live" says so only as long as answers come.
  function markStale(stale) {
    return function () { document.body.classList.toggle("stale", stale); };
  }
  document.addEventListener("htmx:sendError", markStale(true));
  document.addEventListener("htmx:responseError", markStale(true));
  document.addEventListener("htmx:afterOnLoad", markStale(false));
})();
