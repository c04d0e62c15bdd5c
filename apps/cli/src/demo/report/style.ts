/** The report's style sheet: light and dark, from a phone's width up. */
export const style = `
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5d6779; --paper: #f6f7f9; --card: #fff; --line: #dfe3ea;
  --mlp: #2563c9; --transformer: #c2571a; --good: #177245; --bad: #a2322d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --paper: #12151b; --card: #1b2029;
  --line: #2d3440; --mlp: #74a7ff; --transformer: #f3a063; --good: #62c693; --bad: #f08a83; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { margin: 0 0 .25rem; font-size: clamp(1.5rem, 5vw, 2.1rem); line-height: 1.2; letter-spacing: -.02em; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; } .panel + p { margin-top: .75rem; } .soft { color: var(--soft); }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.25rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { color: var(--soft); font-weight: 500; font-size: .85rem; } td.big { font-size: 1.35rem; font-weight: 650; }
.facts td:last-child { text-align: left; } .facts td:first-child { color: var(--soft); white-space: nowrap; width: 1%; }
.name::before, dt::before { content: ""; display: inline-block; width: .65em; height: .65em; border-radius: 50%; margin-right: .5em; }
.mlp.name::before, dt.mlp::before { background: var(--mlp); } .transformer.name::before, dt.transformer::before { background: var(--transformer); }
.chart { width: 100%; height: auto; display: block; min-width: 26rem; } .chart text { fill: var(--soft); font-size: 13px; }
.chart .grid { stroke: var(--line); } .chart .mlp, .chart .transformer { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.chart .mlp { stroke: var(--mlp); } .chart .transformer { stroke: var(--transformer); } .chart .faint { stroke-width: 1; opacity: .28; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.sample { display: grid; grid-template-columns: 7.5rem 1fr; gap: .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: .9rem; }
.sample img { width: 7.5rem; height: 7.5rem; border-radius: 8px; display: block; }
.sample .id { display: block; margin-top: .35rem; font-size: .75rem; }
dl { margin: 0; font-size: .92rem; line-height: 1.4; } dt { color: var(--soft); font-size: .75rem; } dd { margin: 0 0 .5rem; }
.right::after { content: " ✓"; color: var(--good); font-weight: 700; } .wrong::after { content: " ✗"; color: var(--bad); font-weight: 700; }
@media (max-width: 40rem) { .scores :is(th, td):nth-child(n+4) { display: none; } .panel { padding: .75rem .9rem; } }
details { font-size: .82rem; color: var(--soft); } summary { cursor: pointer; } details ul { margin: .3rem 0 0; padding-left: 1.1rem; }
`;
