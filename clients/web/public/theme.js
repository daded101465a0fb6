// Runs before the first paint, so that nobody sees a flash of the wrong theme. Not a module: modules come too late.
try {
  // The storage belongs to the whole site: below a path the keys begin with it (src/base.ts).
  var base = document.querySelector('meta[name="palabre-base"]').content.replace(/\/+$/, '');
  var theme = localStorage.getItem((base === '' ? '' : base + ':') + 'palabre.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // A browser that forbids storage has the theme of its system.
}
