// Runs before the first paint: light or dark as chosen here, else as the system says.
(function () {
  "use strict";
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try { return localStorage.getItem("theme") || "system"; } catch (error) { return "system"; }
  }
  function apply() {
    var choice = chosen();
    var dark = choice === "dark" || (choice === "system" && system.matches);
    document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    });
  }
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("htmx:afterSettle", apply);
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme-choice]");
    if (!button) { return; }
    try { localStorage.setItem("theme", button.dataset.themeChoice); } catch (error) { /* private window: this page only */ }
    apply();
  });
})();
