// The frame around every page: the rail (a bar at the bottom on a phone), banners, the palette, and where focus goes
// when the page changes.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { approvalsQuery } from "../api/queries";
import { isFor } from "../approvals/words";
import { formatCount } from "../lib/format";
import { useOnline } from "../lib/hooks";
import { isMac, useKeys } from "../lib/keys";
import { Here } from "../ui/Here";
import { Icon } from "../ui/Icon";
import { KeysDialog } from "./KeysDialog";
import { Logo } from "./Logo";
import { pageAt, PAGES } from "./pages";
import { Palette } from "./Palette";
import { atLeast, useSession } from "./session-context";
import { TenantSwitch } from "./TenantSwitch";
import { ThemeToggle } from "./ThemeToggle";

export function Shell() {
  const session = useSession();
  const navigate = useNavigate();
  const online = useOnline();
  const [palette, setPalette] = useState(false);
  const [keys, setKeys] = useState(false);
  const bindings = useMemo(() => [
    { keys: "mod+k", run: () => setPalette((open) => !open) },
    { keys: "?", run: () => setKeys(true) },
    ...PAGES.map((page) => ({ keys: page.keys, run: () => void navigate({ to: page.to }) })),
  ], [navigate]);
  useKeys(bindings);
  const main = useFocusOnNavigation();
  const here = useRouterState({ select: (state) => pageAt(state.location.pathname) });
  return (
    <div className="shell">
      <a className="skip" href="#main">Skip to the content</a>
      <header className="rail">
        <div className="rail-top">
          <Link to="/ask" className="brand" aria-label="Pilothouse, to Ask"><Logo /><span>Pilothouse</span></Link>
          <button type="button" className="rail-search" onClick={() => setPalette(true)} aria-keyshortcuts="Control+K Meta+K">
            <Icon name="search" /><span>Go to …</span><kbd aria-hidden="true">{isMac ? "⌘K" : "Ctrl K"}</kbd>
          </button>
        </div>
        <nav aria-label="Pages" className="rail-nav">
          {PAGES.map((page) => (
            <Here key={page.to} to={page.to} className="rail-link" here={page === here}>
              <Icon name={page.icon} size={18} /><span>{page.label}</span>{page.to === "/approvals" ? <ToDecide /> : null}
            </Here>
          ))}
        </nav>
        <div className="rail-foot">
          <TenantSwitch />
          <div className="rail-tools">
            <span className="rail-who" title={`Signed in as ${session.subject}, ${session.role}`}>{session.subject}</span>
            <button type="button" className="tool" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => setKeys(true)}><Icon name="keyboard" /></button>
            <ThemeToggle />
          </div>
        </div>
      </header>
      <div className="stage">
        {session.mode === "development" ? <section className="banner" aria-label="Mode of this server"><strong>Development mode:</strong> anyone here is {session.role} of {session.tenant}.</section> : null}
        {online ? null : <section className="banner banner-warn" aria-label="Connection" aria-live="polite"><strong>Offline:</strong> what you see may be out of date. It refreshes when the connection is back.</section>}
        <main id="main" ref={main} tabIndex={-1}><Outlet /></main>
      </div>
      <Palette open={palette} onClose={() => setPalette(false)} onShowKeys={() => setKeys(true)} />
      <KeysDialog open={keys} onClose={() => setKeys(false)} />
    </div>
  );
}

/** How many wait for this very person. */
function ToDecide() {
  const session = useSession();
  const query = useInfiniteQuery({ ...approvalsQuery("pending"), enabled: atLeast(session, "member") });
  const count = query.data?.pages.flatMap((page) => page.items).filter((approval) => isFor(session, approval)).length ?? 0;
  return count === 0 ? null : <span className="rail-count" title={`${formatCount(count, "approval")} to decide`}>{count}</span>;
}

/** A new page is announced by moving focus to its heading, unless the page placed the focus itself. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const pathname = useRouterState({ select: (state) => state.resolvedLocation?.pathname ?? "" });
  useEffect(() => {
    if (first.current) { first.current = false; return; }
    window.scrollTo(0, 0);
    if (main.current?.contains(document.activeElement)) return;
    (main.current?.querySelector<HTMLElement>("h1[tabindex]") ?? main.current)?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}
