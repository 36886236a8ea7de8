// The look: one style sheet on Jupyter's own theme variables, and whether the surroundings are dark.

import { h } from './dom';

/** Tells light from dark and goes on telling until the returned function is called. */
export function followTheme(element: HTMLElement, theme: 'auto' | 'light' | 'dark'): () => void {
  const media = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined;
  const apply = () => {
    const dark = theme === 'auto' ? isDark(media) : theme === 'dark';
    element.dataset['mode'] = dark ? 'dark' : 'light';
    // A theme that was asked for must not be mixed with the colours of the surroundings.
    element.dataset['palette'] = theme === 'auto' ? 'jupyter' : 'own';
  };
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name', 'class'] });
  media?.addEventListener('change', apply);
  apply();
  return () => {
    observer.disconnect();
    media?.removeEventListener('change', apply);
  };
}

function isDark(media: MediaQueryList | undefined): boolean {
  const { dataset, classList } = document.body;
  if (dataset['jpThemeLight'] !== undefined) return dataset['jpThemeLight'] === 'false';
  if (classList.contains('vscode-dark') || classList.contains('vscode-high-contrast')) return true;
  return !classList.contains('vscode-light') && (media?.matches ?? false);
}

export function stillness(): boolean {
  return typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches;
}

export function styles(): HTMLStyleElement {
  return h('style', {}, PALETTE + CARD + SCENE + PANELS);
}

// Teal and pink are gradients above and below zero, indigo is the size of a tensor's gradient, amber is only ever
// a `.grad` left over from an earlier backward and what the doctor says, red is what is not a number.
const PALETTE = `
:host { all: initial; display: block; margin: 4px 0; }
.root { --ui: var(--jp-ui-font-family, system-ui, -apple-system, 'Segoe UI', sans-serif);
  --code: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace); }
.root[data-mode=light] { color-scheme: light;
  --paper: #ffffff; --raised: #f6f7f9; --edge: #dfe3e8; --ink: #1c2128; --muted: #59636e; --wire: #aab3bd;
  --node: #ffffff; --node-edge: #8e99a5; --leaf: #eef3f8; --plus: #0b7f72; --minus: #c02670; --size: #4454c4;
  --amber: #a35f00; --amber-paper: #fff4dc; --amber-edge: #e3a32b; --bad: #c0202b; --strong: #ffffff; --lit: #d9e8ff; }
.root[data-mode=dark] { color-scheme: dark;
  --paper: #16191d; --raised: #1f242a; --edge: #353c45; --ink: #e8ecf1; --muted: #9aa6b2; --wire: #58636f;
  --node: #20262d; --node-edge: #71808f; --leaf: #26323e; --plus: #3fd0bd; --minus: #ff79b4; --size: #93a1ff;
  --amber: #f4bd55; --amber-paper: #352a12; --amber-edge: #b9842a; --bad: #ff7078; --strong: #10141a; --lit: #23406b; }
.root[data-palette=jupyter] { --paper: var(--jp-layout-color1, var(--own-paper)); --ink: var(--jp-content-font-color1, var(--own-ink)); }
.root[data-palette=jupyter][data-mode=light] { --own-paper: #ffffff; --own-ink: #1c2128;
  --raised: var(--jp-layout-color2, #f6f7f9); --edge: var(--jp-border-color2, #dfe3e8); }
.root[data-palette=jupyter][data-mode=dark] { --own-paper: #16191d; --own-ink: #e8ecf1;
  --raised: var(--jp-layout-color2, #1f242a); --edge: var(--jp-border-color2, #353c45); }
`;

const CARD = `
* { box-sizing: border-box; }
.root { position: relative; display: flex; flex-direction: column; min-width: 0; overflow: hidden; outline: none;
  font: 13px/1.45 var(--ui); color: var(--ink); background: var(--paper); border: 1px solid var(--edge); border-radius: 8px; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; padding: 5px 8px; background: var(--raised); }
.bar.top { border-bottom: 1px solid var(--edge); }
.bar.bottom { border-top: 1px solid var(--edge); }
.place { flex: 1; display: flex; align-items: center; gap: 8px; }
.about { flex: 1; min-width: 0; color: var(--muted); font-size: 12px; line-height: 1.25; text-align: right; }
button, select { font: 13px/1 var(--ui); color: var(--ink); background: transparent; border: 1px solid transparent;
  border-radius: 6px; min-width: 28px; height: 28px; padding: 0 7px; cursor: pointer; }
button:hover:not(:disabled), select:hover { background: color-mix(in srgb, var(--ink) 9%, transparent); }
button:disabled { opacity: .35; cursor: default; }
button svg { display: block; width: 14px; height: 14px; margin: auto; fill: currentColor; }
button.main { background: var(--plus); color: var(--strong); min-width: 36px; }
button.main:hover:not(:disabled) { background: color-mix(in srgb, var(--plus) 85%, var(--ink)); }
:focus-visible { outline: 2px solid var(--size); outline-offset: 1px; }
[role=tablist] { display: flex; flex-wrap: wrap; gap: 2px; }
[role=tab] { color: var(--muted); padding: 0 6px; white-space: nowrap; }
[role=tab][aria-selected=true] { color: var(--ink); background: var(--paper); border-color: var(--edge); font-weight: 600; }
input[type=range] { flex: 1; min-width: 80px; height: 28px; margin: 0; accent-color: var(--plus); cursor: pointer; }
.count { font: 12px var(--code); color: var(--muted); min-width: 6ch; text-align: right; }
.live { padding: 5px 12px 7px; min-height: calc(2 * 1.45em + 12px); background: var(--raised); font-size: 12.5px; overflow-wrap: anywhere; }
.live:empty { display: none; }
.notes, .findings { list-style: none; margin: 0; padding: 0; }
.notes li { padding: 5px 12px; color: var(--muted); font-size: 12px; border-bottom: 1px solid var(--edge); overflow-wrap: anywhere; }
.notes summary { cursor: pointer; } .notes details ul { margin: 2px 0 0; padding: 0; list-style: none; } .notes details li { border: 0; padding: 2px 14px; }
.notes li.stopped { color: var(--bad); }
.findings li { display: grid; grid-template-columns: auto 1fr auto; gap: 0 9px; padding: 7px 12px 8px; background: var(--amber-paper);
  border-bottom: 1px solid var(--edge); border-left: 4px solid var(--amber-edge); overflow-wrap: anywhere; }
.findings .icon { grid-row: 1 / span 3; }
.findings li[data-severity=note] { background: var(--raised); border-left-color: var(--muted); }
.findings button { height: 22px; }
.findings .icon { color: var(--amber); font-weight: 700; }
.findings li[data-severity=note] .icon { color: var(--muted); }
.findings .code { color: var(--muted); font: 11px var(--code); }
.findings p { grid-column: 2 / -1; margin: 2px 0 0; }
code { font: 12px var(--code); padding: 1px 4px; border-radius: 4px; background: color-mix(in srgb, var(--ink) 8%, transparent); }
.course { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; padding: 3px 12px; color: var(--muted); font-size: 12px;
  border-bottom: 1px solid var(--edge); }
.course svg { width: 240px; height: 30px; } .course polyline { fill: none; stroke: var(--size); stroke-width: 1.5; } .course circle { fill: var(--size); }
.refused { padding: 10px 14px; color: var(--muted); }
.body { display: flex; min-height: 0; }
.hidden, [hidden] { display: none !important; }
`;

const SCENE = `
.stage { flex: 1 1 auto; min-width: 0; display: flex; flex-direction: column; }
.picture { --dock: 0px; position: relative; overflow: hidden; touch-action: pan-y; cursor: grab; user-select: none;
  -webkit-user-select: none; }
.picture.dragging { cursor: grabbing; }
.picture > svg { position: absolute; inset: 0; width: 100%; height: calc(100% - var(--dock)); display: block; }
.zoom { display: flex; }
.foot { display: flex; flex-wrap: wrap; gap: 1px 18px; padding: 2px 12px 4px; font-size: 11.5px; color: var(--muted); }
.legend svg { vertical-align: -3px; margin-right: 5px; stroke: var(--muted); border: 1px solid var(--node-edge); border-radius: 3px; }
.crumbs { display: flex; flex-wrap: wrap; gap: 4px; padding: 5px 8px; border-bottom: 1px solid var(--edge); }
.crumbs button { background: var(--paper); border-color: var(--edge); height: 24px; font-size: 12px; max-width: 220px; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
.link { fill: none; stroke: var(--wire); stroke-width: 1.4; transition: stroke .2s, stroke-width .2s; }
.head { fill: var(--wire); stroke: none; }
.link.passed { stroke: color-mix(in srgb, var(--hue, var(--plus)) 75%, var(--wire)); stroke-width: 2; }
.head.passed { fill: color-mix(in srgb, var(--hue, var(--plus)) 75%, var(--wire)); }
.link.active { stroke: var(--hue, var(--plus)); stroke-width: 3; }
.head.active { fill: var(--hue, var(--plus)); }
.link.lit { stroke: var(--ink); }
.pulse { fill: var(--hue, var(--plus)); stroke: var(--paper); stroke-width: 2; }
.halo { fill: var(--hue, var(--plus)); opacity: .25; }
.far, .node.dot.touched .body-shape { fill: color-mix(in srgb, var(--hue, var(--node-edge)) calc(30% + var(--t, 0) * 65%), var(--node)); stroke: none; }
.node.dot .body-shape { stroke: var(--node-edge); vector-effect: non-scaling-stroke; }
.hull { opacity: .09; } .hull rect { fill: var(--ink); }
.hull path { fill: none; stroke: var(--ink); stroke-width: 20; stroke-linecap: round; }
.node { cursor: pointer; outline: none; }
.node .body-shape { fill: var(--node); stroke: var(--node-edge); stroke-width: 1.3; transition: fill .25s, stroke .25s; }
.node.leaf .body-shape { fill: var(--leaf); stroke: var(--ink); stroke-width: 1.8; }
.node.constant .body-shape { stroke-dasharray: 4 3; fill: var(--paper); }
.node.group .body-shape { fill: var(--raised); }
.node .behind { fill: var(--raised); stroke: var(--node-edge); stroke-width: 1; }
.hatch { stroke: color-mix(in srgb, var(--ink) 22%, transparent); stroke-width: 1; fill: none; }
.node text { font: 12px var(--code); fill: var(--ink); text-anchor: middle; }
.node text.title { font: 600 13px var(--ui); }
.node text.line { fill: var(--muted); font-size: 11px; }
.node.freed text.title { fill: var(--muted); }
.node.touched .body-shape { stroke: color-mix(in srgb, var(--hue) 80%, var(--node-edge)); }
.node.active .body-shape { stroke: var(--hue, var(--plus)); stroke-width: 3; }
.node.lit .body-shape { fill: var(--lit); }
.node:hover .body-shape { stroke-width: 2.4; }
.node:focus .body-shape { stroke: var(--size); stroke-width: 3; }
.node:focus .ring { stroke: var(--size); }
.ring { fill: none; stroke: transparent; stroke-width: 1.5; }
.node.over .body-shape { stroke: var(--amber-edge); }
.node .badge path { fill: var(--amber-edge); stroke: var(--paper); stroke-width: 1.5; }
.node .badge text { font: 700 10px var(--ui); fill: #1c1300; }
.pill rect, .pill path { fill: color-mix(in srgb, var(--hue) calc(12% + var(--t, 0) * 78%), var(--paper)); stroke: var(--hue); stroke-width: 1.2;
  transition: fill .25s; }
.pill text { font: 600 11px var(--code); fill: var(--ink); }
.pill.strong text { fill: var(--strong); }
.pill.waiting rect { fill: var(--paper); stroke: var(--wire); stroke-dasharray: 2 3; }
.pill.waiting text { fill: var(--muted); }
.pill.zero rect { fill: var(--paper); stroke: var(--muted); stroke-dasharray: 3 2; }
.pill.none rect { fill: var(--paper); stroke: var(--wire); }
.pill.none text { fill: var(--muted); font-weight: 400; font-style: italic; }
.pill.nan path, .pill.inf path { fill: var(--paper); stroke: var(--bad); stroke-width: 1.8; }
.pill.nan text, .pill.inf text { fill: var(--bad); }
.pill.over rect { fill: var(--amber-paper); stroke: var(--amber-edge); stroke-width: 1.8; }
.pill.over text { fill: var(--amber); }
.pill.arrived { animation: arrive .45s ease-out; transform-box: fill-box; transform-origin: center; }
.chip .body-shape { rx: 9px; }
@keyframes arrive { 40% { transform: scale(1.22); } }
.calm .pill.arrived { animation: none; }
.calm * { transition: none !important; }
.hue-plus { --hue: var(--plus); } .hue-minus { --hue: var(--minus); } .hue-size { --hue: var(--size); }
.hue-bad { --hue: var(--bad); } .hue-none { --hue: var(--muted); }
`;

const PANELS = `
.card { position: absolute; z-index: 2; width: max-content; max-width: min(520px, calc(100% - 16px)); padding: 8px 11px 9px; background: var(--paper);
  border: 1px solid var(--edge); border-top: 3px solid var(--hue, var(--plus)); border-radius: 8px; cursor: default; pointer-events: none;
  box-shadow: 0 4px 16px color-mix(in srgb, #000 18%, transparent); font-size: 12px; overflow-wrap: anywhere; }
.card.narrow { max-width: min(310px, calc(100% - 16px)); }
.card.docked { inset: auto 0 0; width: auto; max-width: none; min-height: var(--dock); border-width: 3px 0 0; border-radius: 0;
  box-shadow: 0 -1px 0 var(--edge); }
.card.over { border-top-color: var(--amber-edge); pointer-events: auto; user-select: text; }
.card .head { display: flex; gap: 10px; justify-content: space-between; color: var(--muted); margin-bottom: 4px; }
.card .head b { color: var(--ink); }
.equation { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 2px 7px; font: 13px var(--code); }
.term { display: inline-flex; flex-direction: column; align-items: center; }
.term small { font: 10px var(--ui); color: var(--muted); letter-spacing: .02em; }
.term b { white-space: pre-wrap; font-weight: 600; padding: 1px 5px; border-radius: 5px; background: color-mix(in srgb, var(--ink) 6%, transparent); }
.term.result b { background: color-mix(in srgb, var(--hue, var(--plus)) 18%, transparent); }
.term.over b { background: var(--amber-paper); color: var(--amber); outline: 1.5px solid var(--amber-edge); }
.card .row { margin-top: 5px; } .card .row.mini { color: var(--muted); }
.card .row.sum { font: 600 12.5px var(--code); }
.card ul { margin: 3px 0 0; padding-left: 18px; }
.left { margin-top: 6px; padding: 5px 8px; border-radius: 6px; background: var(--amber-paper); border: 1px solid var(--amber-edge); }
.left .icon { color: var(--amber); font-weight: 700; margin-right: 5px; }
.details { position: absolute; z-index: 3; right: 8px; top: 8px; bottom: calc(8px + var(--dock)); width: min(320px, calc(100% - 16px)); overflow: auto; cursor: auto;
  padding: 9px 12px; background: var(--paper); border: 1px solid var(--edge); border-radius: 8px; user-select: text; -webkit-user-select: text;
  box-shadow: 0 4px 18px color-mix(in srgb, #000 20%, transparent); font-size: 12px; touch-action: auto; }
.details header { display: flex; justify-content: space-between; align-items: center; gap: 8px; font-size: 14px; font-weight: 600; }
.details h4 { margin: 9px 0 3px; font-size: 11px; font-weight: 600; color: var(--muted); }
.details dl { display: grid; grid-template-columns: auto 1fr; gap: 1px 10px; margin: 4px 0; }
.details dt { color: var(--muted); } .details dd { margin: 0; font-family: var(--code); overflow-wrap: anywhere; }
.details ul { margin: 2px 0; padding-left: 16px; }
.bars { display: block; width: 100%; height: 44px; } .bars rect { fill: var(--size); }
.axis { display: flex; justify-content: space-between; font: 10px var(--code); color: var(--muted); }
.grid { font: 11.5px/1.5 var(--code); margin: 0; white-space: pre; overflow: auto; max-height: 190px; }
.code-pane { flex: 0 0 44%; min-width: 0; max-height: 480px; overflow: auto; border-right: 1px solid var(--edge); font: 12.5px/1.6 var(--code); tab-size: 4; }
.alone .code-pane { flex-basis: 100%; border-right: 0; }
.code-pane h3 { margin: 0; padding: 5px 12px; font: 600 12px var(--ui); color: var(--muted); background: var(--raised); }
.code-pane ol { list-style: none; margin: 0; padding: 4px 0; min-width: max-content; }
.code-pane li { display: flex; gap: 12px; padding: 0 12px; white-space: pre; border-left: 3px solid transparent; }
.code-pane .no { color: var(--muted); min-width: 3ch; text-align: right; user-select: none; -webkit-user-select: none; }
.code-pane li.has-ops { cursor: pointer; } .code-pane li.lit { background: var(--lit); }
.code-pane li.now { border-left-color: var(--plus); background: color-mix(in srgb, var(--plus) 14%, transparent); }
.code-pane.hand li:not(.has-ops) { color: var(--muted); }
.code-pane.hand ol { min-width: 0; }
.code-pane.hand li { white-space: pre-wrap; min-height: 1em; }
.code-pane.hand li > :last-child { padding-left: 2ch; text-indent: -2ch; overflow-wrap: anywhere; min-width: 0; }
.code-pane.hand .over, .code-pane.hand .over .cm { color: var(--amber); }
.code-pane.hand li.has-ops:hover { background: var(--lit); }
.code-pane .empty { padding: 8px 12px; color: var(--muted); font: 13px var(--ui); }
.code-pane li:focus-visible { outline-offset: -2px; }
.code-pane mark { color: inherit; border-radius: 3px; background: color-mix(in srgb, var(--plus) 32%, transparent); }
.code-pane i { font-style: normal; }
.code-pane .kw { color: var(--jp-mirror-editor-keyword-color, var(--minus)); } .code-pane .cm { color: var(--muted); }
.code-pane .st { color: var(--jp-mirror-editor-string-color, var(--size)); } .code-pane .nu { color: var(--jp-mirror-editor-number-color, var(--plus)); }
.table-pane { flex: 1; min-width: 0; max-height: 480px; overflow: auto; }
table { border-collapse: collapse; width: 100%; color: inherit; font: 12px/1.45 var(--ui); }
caption { text-align: left; font-weight: 600; padding: 8px 12px 4px; }
th, td { text-align: left; padding: 3px 10px; border-bottom: 1px solid var(--edge); font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
td:last-child, td.short { white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--raised); color: var(--muted); font-weight: 600; white-space: nowrap; }
td.n { font-family: var(--code); }
tr.lit td { background: var(--lit); } tr[aria-current] td, tr[aria-current] th { background: color-mix(in srgb, var(--plus) 14%, transparent); }
td.over { color: var(--amber); font-weight: 600; }
tbody tr { cursor: pointer; }
.more { margin: 6px 12px; border-color: var(--edge); }
@media (forced-colors: active) { .node .body-shape, .pill rect, .link { stroke: CanvasText; } }
`;
