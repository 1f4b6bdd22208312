// Turns an answer's chart specification into a Chart.js drawing in the page's colours. Loaded only when an answer has a
// chart. Canvas, since drawings in SVG carry style attributes that the content policy refuses.
import {
  BarController, BarElement, CategoryScale, Chart, LinearScale, LineController, LineElement, PointElement, Tooltip,
  type ChartConfiguration, type ChartDataset,
} from "chart.js";
import type { Cell, QueryResult, ResultColumn } from "../api/types";
import { formatCell, formatCompact, humanize } from "../lib/format";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, PointElement, Tooltip);

const LONG_LABEL = 10;
/** More characters than this do not fit side by side under the bars, in a chart of a page's width and on a phone. */
const MANY_CHARACTERS = { wide: 64, narrow: 24 };
const NARROW_PX = 480;
const BAR_THICKNESS_PX = 28;

export type Series = { labels: string[]; columns: ResultColumn[]; values: (number | null)[][]; horizontal: boolean; everyLabel: boolean };

const number = (cell: Cell | undefined): number | null => (cell === null || cell === undefined || cell === "" || !Number.isFinite(Number(cell)) ? null : Number(cell));

/** Null when the specification names columns that the result does not have. */
export function seriesOf(result: QueryResult, widthPx: number): Series | null {
  const { chart, columns, rows } = result;
  const x = columns.find((column) => column.name === chart.x);
  const found = chart.y.map((name) => columns.find((column) => column.name === name)).filter((column) => column !== undefined);
  if (!x || found.length === 0 || rows.length === 0) return null;
  const labels = shortDates(rows.map((row) => formatCell(row[x.name], x) ?? "null"), x.grain);
  const long = labels.some((label) => label.length > LONG_LABEL) || labels.join("").length > MANY_CHARACTERS[widthPx < NARROW_PX ? "narrow" : "wide"];
  const bars = chart.kind === "bar" && x.role !== "time";
  return { labels, columns: found, values: found.map((column) => rows.map((row) => number(row[column.name]))), horizontal: bars && long, everyLabel: bars };
}

/** Periods of one year need not each repeat it; weeks go by their first day. */
function shortDates(labels: string[], grain: ResultColumn["grain"]): string[] {
  if (grain !== "day" && grain !== "week" && grain !== "month" && grain !== "quarter") return labels;
  const plain = labels.map((label) => label.replace(/^week of /, ""));
  const ending = / \d{4}$/.exec(plain[0] ?? "")?.[0];
  return ending && plain.every((label) => label.endsWith(ending)) ? plain.map((label) => label.slice(0, -ending.length)) : plain;
}

function cssColours(element: Element): (name: string) => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

export function draw(canvas: HTMLCanvasElement, kind: "bar" | "line", series: Series): Chart {
  const css = cssColours(canvas);
  const palette = [css("--chart-1"), css("--chart-2"), css("--chart-3"), css("--chart-4")];
  const font = { family: css("--font"), size: 12 };
  const said = (item: { datasetIndex: number; raw: unknown }): string => {
    const column = series.columns[item.datasetIndex];
    if (!column) return String(item.raw);
    const name = series.columns.length > 1 ? `${humanize(column.name)}: ` : "";
    return `${name}${formatCell(item.raw as Cell, column) ?? "null"}${column.unit ? ` ${column.unit}` : ""}`;
  };
  const category = { grid: { display: false }, border: { color: css("--line-strong") }, ticks: { color: css("--text-2"), font, maxRotation: 0, autoSkipPadding: 16, autoSkip: !series.everyLabel } };
  const amount = {
    beginAtZero: kind === "bar", grid: { color: css("--line") }, border: { display: false },
    ticks: { color: css("--text-2"), font, maxTicksLimit: 6, callback: (value: string | number) => formatCompact(Number(value)) },
  };
  const config: ChartConfiguration<"bar" | "line", (number | null)[], string> = {
    type: kind,
    data: { labels: series.labels, datasets: series.columns.map((column, at) => dataset(kind, column, series.values[at] ?? [], palette[at % palette.length] ?? "")) },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, indexAxis: series.horizontal ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: series.horizontal ? "y" : "x" },
      scales: series.horizontal ? { x: amount, y: category } : { x: category, y: amount },
      plugins: {
        tooltip: {
          backgroundColor: css("--tip-bg"), titleColor: css("--tip-text"), bodyColor: css("--tip-text"), padding: 10, cornerRadius: 6,
          titleFont: { ...font, weight: 600 }, bodyFont: font, displayColors: series.columns.length > 1,
          callbacks: { label: said },
        },
      },
    },
  };
  return new Chart(canvas, config);
}

function dataset(kind: "bar" | "line", column: ResultColumn, data: (number | null)[], colour: string): ChartDataset<"bar" | "line", (number | null)[]> {
  const label = humanize(column.name);
  if (kind === "bar") return { type: "bar", label, data, backgroundColor: colour, borderRadius: 3, maxBarThickness: BAR_THICKNESS_PX };
  const sparse = data.length <= 40;
  return { type: "line", label, data, borderColor: colour, backgroundColor: colour, borderWidth: 2, tension: 0, pointRadius: sparse ? 2.5 : 0, pointHoverRadius: 4, spanGaps: false };
}
