// Before anything is drawn: the chosen colours, and the word that scripts run.
(() => {
  const root = document.documentElement;
  root.classList.add("scripts");
  try {
    const theme = localStorage.getItem("gatewise-theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch { /* storage is closed to this page: the system's choice stands */ }
})();
