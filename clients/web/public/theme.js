// Runs before the first paint, so that nobody sees a flash of the wrong theme. Not a module: modules come too late.
try {
  var theme = localStorage.getItem('palabre.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // A browser that forbids storage has the theme of its system.
}
