// Sets the chosen colours before the first paint, so that a dark page never flashes white. It is a file of its own
// because the content policy refuses inline scripts.
(function () {
  try {
    var chosen = localStorage.getItem("ph.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (error) {
    // Storage can be refused by the browser; the system's preference then stands.
  }
})();
