// Every address of the page. All but Ask are loaded when they are first visited.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { RunFilter } from "./api/queries";
import { AskPage } from "./ask/AskPage";
import { AskRunPage } from "./ask/AskRunPage";
import { BrokenPage, NoSuchPage } from "./shell/ErrorPage";
import { Root } from "./shell/Root";

const root = createRootRoute({ component: Root, errorComponent: BrokenPage, notFoundComponent: NoSuchPage });

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const optional = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } => (value === undefined ? {} : ({ [key]: value } as { [P in K]: V }));

const home = createRoute({ getParentRoute: () => root, path: "/", beforeLoad: () => { throw redirect({ to: "/ask", replace: true }); } });
const ask = createRoute({ getParentRoute: () => root, path: "/ask", component: AskPage });
const askRun = createRoute({ getParentRoute: () => root, path: "/ask/$runId", component: AskRunPage });
const runs = createRoute({
  getParentRoute: () => root, path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunFilter => ({
    ...optional("status", text(search["status"])), ...optional("queue", text(search["queue"])), ...optional("kind", text(search["kind"])),
  }),
  component: lazyRouteComponent(() => import("./runs/RunsPage"), "RunsPage"),
});
const run = createRoute({ getParentRoute: () => root, path: "/runs/$runId", component: lazyRouteComponent(() => import("./runs/RunPage"), "RunPage") });
const approvals = createRoute({
  getParentRoute: () => root, path: "/approvals",
  validateSearch: (search: Record<string, unknown>): { state?: string } => optional("state", text(search["state"])),
  component: lazyRouteComponent(() => import("./approvals/ApprovalsPage"), "ApprovalsPage"),
});
const approval = createRoute({ getParentRoute: () => root, path: "/approvals/$approvalId", component: lazyRouteComponent(() => import("./approvals/ApprovalPage"), "ApprovalPage") });
const queues = createRoute({ getParentRoute: () => root, path: "/queues", component: lazyRouteComponent(() => import("./runs/QueuesPage"), "QueuesPage") });
const schedules = createRoute({
  getParentRoute: () => root, path: "/schedules",
  validateSearch: (search: Record<string, unknown>): { add?: boolean; status?: string } => ({
    ...optional("add", search["add"] === true ? true : undefined), ...optional("status", text(search["status"])),
  }),
  component: lazyRouteComponent(() => import("./runs/SchedulesPage"), "SchedulesPage"),
});
const schedule = createRoute({ getParentRoute: () => root, path: "/schedules/$scheduleId", component: lazyRouteComponent(() => import("./runs/SchedulePage"), "SchedulePage") });
const data = createRoute({
  getParentRoute: () => root, path: "/data",
  validateSearch: (search: Record<string, unknown>): { add?: boolean } => optional("add", search["add"] === true ? true : undefined),
  component: lazyRouteComponent(() => import("./data/DataPage"), "DataPage"),
});
/** The parts of a connection besides its tables. */
type ConnectionTab = "meaning" | "personal" | "access";
const CONNECTION_TABS: readonly ConnectionTab[] = ["meaning", "personal", "access"];
const connection = createRoute({
  getParentRoute: () => root, path: "/data/$connection",
  validateSearch: (search: Record<string, unknown>): { tab?: ConnectionTab } => optional("tab", CONNECTION_TABS.find((tab) => tab === search["tab"])),
  component: lazyRouteComponent(() => import("./data/ConnectionPage"), "ConnectionPage"),
});
const table = createRoute({ getParentRoute: () => root, path: "/data/$connection/$table", component: lazyRouteComponent(() => import("./data/TablePage"), "TablePage") });
const settings = createRoute({
  getParentRoute: () => root, path: "/settings",
  validateSearch: (search: Record<string, unknown>): { tab?: string } => optional("tab", text(search["tab"])),
  component: lazyRouteComponent(() => import("./settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([home, ask, askRun, runs, run, approvals, approval, queues, schedules, schedule, data, connection, table, settings]),
  defaultPreload: "intent",
  defaultErrorComponent: BrokenPage,
  defaultNotFoundComponent: NoSuchPage,
});

declare module "@tanstack/react-router" {
  interface Register { router: typeof router }
}
