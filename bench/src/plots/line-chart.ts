/** A curve: its points in the order of x. */
export interface Line {
  title: string;
  points: readonly { x: number; y: number }[];
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  lines: readonly Line[];
  /** Where the x axis has its labels; text in place of the number where it is given. */
  xTicks: readonly { x: number; label?: string }[];
  /** By powers. Default: false. */
  xLogarithmic?: boolean;
  /** Begin the y axis below the least value instead of at 0. Default: false. */
  yFromLeast?: boolean;
  /** A mark at every point; else lines are dashed, so that those beneath show where they coincide. Default: true. */
  dots?: boolean;
}

const width = 920;
const height = 400;
const margin = { left: 64, right: 280, top: 40, bottom: 52 };
const right = width - margin.right;
const bottom = height - margin.bottom;

/** Colours that the colour-blind tell apart (Okabe and Ito), brighter on dark ground. */
const light = ['#0072b2', '#d55e00', '#009e73', '#aa4499', '#7a6a00', '#555555'];
const dark = ['#56b4e9', '#ff9d4d', '#2fd0a0', '#e8a0cc', '#f0e442', '#bbbbbb'];
const style = `svg{font:13px system-ui,sans-serif}.ground{fill:#fff}text{fill:#24292f}.grid{stroke:#d0d7de}
.line{fill:none;stroke-width:2}${classes(light)}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}
${classes(dark)}}`;

/** A picture of the curves as SVG, with axes, ticks and a legend; no two runs on the same values differ. */
export function lineChart(chart: LineChart): string {
  const { lines, xTicks, xLogarithmic = false, yFromLeast = false, dots = true } = chart;
  const points = lines.flatMap((line) => line.points);
  const along = (value: number) => (xLogarithmic ? Math.log(value) : value);
  const xs = [...points.map(({ x }) => x), ...xTicks.map(({ x }) => x)].map(along);
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const ys = points.map(({ y }) => y);
  const start = yFromLeast ? Math.min(...ys) : 0;
  const step = tickSize(Math.max(...ys) - start);
  const first = Math.floor(start / step + 1e-9);
  const count = Math.max(1, Math.ceil(Math.max(...ys) / step - 1e-9) - first);
  const atX = (x: number) => margin.left + ((along(x) - least) / (most - least || 1)) * (right - margin.left);
  const atY = (y: number) => bottom - ((y / step - first) / count) * (bottom - margin.top);

  const parts: string[] = [];
  for (let tick = first; tick <= first + count; tick++) {
    const y = round(atY(tick * step));
    parts.push(`<line class="grid" x1="${margin.left}" x2="${right}" y1="${y}" y2="${y}"/>`);
    parts.push(text(margin.left - 8, y + 4, String(Number((tick * step).toPrecision(6))), 'end'));
  }
  for (const { x, label } of xTicks) parts.push(text(round(atX(x)), bottom + 19, label ?? String(x)));
  parts.push(
    text((margin.left + right) / 2, 22, chart.title),
    text((margin.left + right) / 2, height - 10, chart.xLabel),
  );
  const middle = -(bottom + margin.top) / 2;
  parts.push(`<g transform="rotate(-90)">${text(middle, 18, chart.yLabel)}</g>`);
  const dashes = lines.map((_, index) =>
    dots || index === 0 ? '' : ` stroke-dasharray="${index === 1 ? '9 6' : '2 5'}"`,
  );
  lines.forEach(({ points: own }, index) => {
    const places = own.map(({ x, y }) => [round(atX(x)), round(atY(y))]);
    parts.push(
      `<polyline class="line c${index}"${dashes[index]} points="${places.map((place) => place.join(',')).join(' ')}"/>`,
    );
    if (dots)
      for (const [x, y] of places) parts.push(`<circle class="d${index}" cx="${x}" cy="${y}" r="3.5"/>`);
  });
  parts.push(...legend(lines, dashes));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(chart.title)}">
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}"/>
${parts.join('\n')}
</svg>
`;
}

/** Beside the curves. */
function legend(lines: readonly Line[], dashes: readonly string[]): string[] {
  const x = right + 20;
  return lines.flatMap(({ title }, index) => {
    const y = margin.top + 16 + index * 22;
    return [
      `<line class="line c${index}"${dashes[index]} x1="${x}" x2="${x + 26}" y1="${y - 4}" y2="${y - 4}"/>`,
      text(x + 34, y, title, 'start'),
    ];
  });
}

function text(x: number, y: number, words: string, anchor = 'middle'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

/** A round distance that puts about five ticks on so much. */
function tickSize(range: number): number {
  const rough = range / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * (1 - 1e-9))!;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function classes(colors: readonly string[]): string {
  return colors.map((color, index) => `.c${index}{stroke:${color}}.d${index}{fill:${color}}`).join('');
}
