// Light or dark, for the pages for people at a desk: as the system has it, until somebody presses the page's switch.
// No module: it runs before the page is painted, so that none flashes in the wrong one.
{
  const KEY = "moodcast-scheme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  /** @type {string | null} */
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // A browser that keeps nothing: the system's it is.
  }

  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    root.dataset.scheme = dark ? "dark" : "light";
    document.querySelector("[data-scheme-switch]")?.setAttribute("aria-pressed", String(dark));
  };

  const change = () => {
    const wanted = root.dataset.scheme === "dark" ? "light" : "dark";
    chosen = (wanted === "dark") === system.matches ? null : wanted; // the system's again: then follow that
    try {
      if (chosen) localStorage.setItem(KEY, chosen);
      else localStorage.removeItem(KEY);
    } catch {
      // It holds until the page is closed.
    }
    show();
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("[data-scheme-switch]")?.addEventListener("click", change);
    show();
  });
}
