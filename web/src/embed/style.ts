/** Looks of `<slm-chat>`. The page around it sets the `--slm-…` variables, and nothing else reaches in. */
export const STYLE = `
:host {
  --ground: var(--slm-ground, light-dark(#ffffff, #1f2220));
  --soft: var(--slm-soft, light-dark(#f1efe9, #2a2e2b));
  --line: var(--slm-line, light-dark(#8d877a, #7f877f));
  --ink: var(--slm-ink, light-dark(#1e1f1c, #eceee9));
  --quiet: var(--slm-quiet, light-dark(#5d5c54, #aab1aa));
  --accent: var(--slm-accent, light-dark(#25695b, #7cc9b5));
  --accent-ink: var(--slm-accent-ink, light-dark(#ffffff, #0e1f1a));
  --bad: var(--slm-bad, light-dark(#a3261c, #ff9d92));
  display: block;
  height: var(--slm-height, 28rem);
  border: 1px solid var(--line);
  border-radius: var(--slm-radius, 0.75rem);
  background: var(--ground);
  color: var(--ink);
  font: 1rem / 1.5 var(--slm-font, system-ui, sans-serif);
  overflow: hidden;
}
:host([hidden]) { display: none; }
section { display: flex; flex-direction: column; height: 100%; box-sizing: border-box; }
header { display: flex; align-items: center; gap: 0.5rem; padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--soft); }
h2 { flex: 1; margin: 0; font-size: 1rem; font-weight: 650; }
section { position: relative; }
.log { position: relative; flex: 1; padding: 0.75rem; overflow-y: auto; }
ol { margin: 0; padding: 0; list-style: none; }
li { margin: 0 0 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
li.user { box-sizing: border-box; width: fit-content; max-width: 85%; margin-inline-start: auto;
  padding: 0.5rem 0.75rem; border-radius: 0.75rem; background: var(--soft); }
.who, .status:not(.seen) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.panel { padding: 0.75rem; }
.panel p { margin: 0 0 0.5rem; }
.small, .status { margin: 0; color: var(--quiet); font-size: 0.8125rem; }
.status.seen { padding: 0 0.75rem 0.25rem; }
.bad { color: var(--bad); }
progress { display: block; width: 100%; accent-color: var(--accent); }
form { display: flex; align-items: flex-end; gap: 0.5rem; padding: 0.75rem; border-top: 1px solid var(--soft); }
textarea { flex: 1; min-height: 1.5em; max-height: 8em; padding: 0.5rem 0.75rem; border: 1px solid var(--line);
  border-radius: 0.5rem; background: var(--ground); color: inherit; font: inherit; resize: none; field-sizing: content; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
button { min-height: 2.5rem; padding: 0 1rem; border: 1px solid var(--line); border-radius: 0.5rem; background: none;
  color: inherit; font: inherit; cursor: pointer; }
button.primary { border-color: transparent; background: var(--accent); color: var(--accent-ink); font-weight: 600; }
button:disabled { opacity: 0.5; cursor: default; }
header button { min-height: 2rem; padding: 0 0.5rem; border-color: transparent; color: var(--quiet); font-size: 0.8125rem; }
:focus-visible { outline: 2px solid var(--slm-focus, light-dark(#0b57d0, #a8c7fa)); outline-offset: 1px; }
[hidden] { display: none !important; }
@media (pointer: coarse) { button, header button { min-height: 2.75rem; } }
`
