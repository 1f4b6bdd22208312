// Shows the chart of an answer. The drawing has a name in words; the table below it says the same exactly, so nobody
// depends on seeing it.
import type { Chart } from "chart.js";
import { useEffect, useMemo, useRef, useState } from "react";
import type { QueryResult } from "../api/types";
import { useIsDark } from "../lib/theme";
import type { Series } from "./chart";

const ROW_PX = 30;
const AXIS_PX = 36;
const MAX_HEIGHT_PX = 640;
const HEIGHT_PX = 280;

type Module = typeof import("./chart");

export default function ChartView({ result, title }: { result: QueryResult; title: string }) {
  const [module, setModule] = useState<Module | null>(null);
  useEffect(() => {
    let live = true;
    void import("./chart").then((loaded) => { if (live) setModule(loaded); });
    return () => { live = false; };
  }, []);
  const series = useMemo(() => module?.seriesOf(result, window.innerWidth), [module, result]);
  if (module && !series) return null;
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      {module && series ? <Drawing title={title} module={module} result={result} series={series} /> : <div className="chart-box" aria-hidden="true" />}
      {series && series.columns.length > 1 ? <Legend series={series} /> : null}
    </figure>
  );
}

function Drawing({ title, module, result, series }: { title: string; module: Module; result: QueryResult; series: Series }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useIsDark();
  const height = series.horizontal ? Math.min(series.labels.length * ROW_PX + AXIS_PX, MAX_HEIGHT_PX) : HEIGHT_PX;
  useEffect(() => {
    if (!canvas.current || !box.current) return;
    box.current.style.height = `${height}px`;
    const chart: Chart = module.draw(canvas.current, result.chart.kind === "line" ? "line" : "bar", series);
    return () => chart.destroy();
  }, [module, result, series, height, dark]);
  const words = `${result.chart.kind === "line" ? "Line" : "Bar"} chart: ${title}. The table below has the same figures.`;
  return <div ref={box} className="chart-box"><canvas ref={canvas} role="img" aria-label={words} /></div>;
}

function Legend({ series }: { series: Series }) {
  return (
    <ul className="legend">
      {series.columns.map((column, at) => <li key={column.name}><span className={`swatch swatch-${(at % 4) + 1}`} aria-hidden="true" />{column.name.replaceAll("_", " ")}</li>)}
    </ul>
  );
}
