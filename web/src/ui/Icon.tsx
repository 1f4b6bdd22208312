// The page's icons: 16-pixel line drawings, one path each, drawn in the colour of the text around them.

const PATHS = {
  ask: "M2.5 4a1.5 1.5 0 0 1 1.5-1.5h8A1.5 1.5 0 0 1 13.5 4v5.5A1.5 1.5 0 0 1 12 11H7.5L4.5 13.5V11H4a1.5 1.5 0 0 1-1.5-1.5zM5.5 5.75h5M5.5 8h3",
  runs: "M2.5 4h4M5 8h5M8.5 12h5M2.5 2.5v11",
  approve: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.25 8.25 7.25 10.25 10.75 6",
  queues: "M2.5 4.5h7M2.5 8h5M2.5 11.5h7M10.5 5.5 13 8l-2.5 2.5",
  schedules: "M2.5 5a1.5 1.5 0 0 1 1.5-1.5h8A1.5 1.5 0 0 1 13.5 5v7a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 12zM2.5 7h11M5.5 2v3M10.5 2v3",
  edit: "M3 13l.5-2.75 7.1-7.1a1.3 1.3 0 0 1 1.85 0l.4.4a1.3 1.3 0 0 1 0 1.85l-7.1 7.1zM9.25 4.5l2.25 2.25",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.5v9L12.5 8z",
  data: "M13 4c0 1.1-2.2 2-5 2s-5-.9-5-2 2.2-2 5-2 5 .9 5 2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2",
  settings: "M2.5 4.5h6M12 4.5h1.5M2.5 11.5h2M8 11.5h5.5M10.25 6.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5zM6.25 13.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3",
  send: "M8 13V3M3.75 7.25 8 3l4.25 4.25",
  stop: "M4.5 4.5h7v7h-7z",
  good: "M5.5 7 8 2.75c.9 0 1.5.7 1.5 1.5L9 6.5h3a1.25 1.25 0 0 1 1.22 1.5l-.85 4A1.25 1.25 0 0 1 11.15 13H5.5zM2.75 7H5.5v6H2.75z",
  bad: "M10.5 9 8 13.25c-.9 0-1.5-.7-1.5-1.5L7 9.5H4A1.25 1.25 0 0 1 2.78 8l.85-4A1.25 1.25 0 0 1 4.85 3h5.65zM13.25 9H10.5V3h2.75z",
  check: "M3 8.5l3.25 3.25L13 4.75",
  cross: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2.5l6 10.75H2zM8 6.5v3M8 11.4v.1",
  question: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.25 6.25a1.75 1.75 0 1 1 2.6 1.53c-.5.3-.85.65-.85 1.22M8 11.1v.1",
  blocked: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.75V8l2.25 1.5",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  link: "M6.5 9.5l3-3M7.5 4.5l1-1a2.83 2.83 0 0 1 4 4l-1 1M8.5 11.5l-1 1a2.83 2.83 0 0 1-4-4l1-1",
  download: "M8 2.5v7.5M4.75 7 8 10.25 11.25 7M3 13.5h10",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
  plus: "M8 3v10M3 8h10",
  refresh: "M13 8a5 5 0 1 1-1.5-3.57M13 2.5v3h-3",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9M6.75 7v4M9.25 7v4",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  sun: "M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5zM8 1.5v1.25M8 13.25v1.25M1.5 8h1.25M13.25 8h1.25M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13.25 9.5A5.5 5.5 0 0 1 6.5 2.75a5.5 5.5 0 1 0 6.75 6.75z",
  system: "M2.5 3h11v7.5h-11zM5.5 13.5h5M8 10.5v3",
  key: "M5.5 13a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM7.25 8.75 13 3M10.5 5.5l2 2",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5.25a2.5 2.5 0 0 1 5 0V7.5",
  keyboard: "M1.75 4.5h12.5v7H1.75zM4 7h.1M6.65 7h.1M9.25 7h.1M11.9 7h.1M5 9.25h6",
  out: "M6.5 3h-3v10h3M7 8h6.5M10.75 5.25 13.5 8l-2.75 2.75",
  people: "M6 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5zM1.75 13c0-2.2 1.9-3.75 4.25-3.75S10.25 10.8 10.25 13M10.5 3.25a2.25 2.25 0 0 1 0 4M12 9.75c1.4.5 2.25 1.7 2.25 3.25",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
