// Settings: the session, budgets and models for everyone; tokens, tenants and the audit log for admins.
import { Link, useSearch } from "@tanstack/react-router";
import { signOut } from "../api/session";
import { useTitle } from "../lib/hooks";
import { setTheme, useTheme, type Theme } from "../lib/theme";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";
import { NotAllowed } from "../ui/States";
import { AuditPanel } from "./AuditPanel";
import { BudgetsPanel } from "./BudgetsPanel";
import { ModelsPanel } from "./ModelsPanel";
import { TenantsPanel } from "./TenantsPanel";
import { TokensPanel } from "./TokensPanel";

const EXACT = { exact: true, includeSearch: true };
const TABS = [
  { id: undefined, label: "You", admin: false },
  { id: "budgets", label: "Budgets", admin: false },
  { id: "models", label: "Models", admin: false },
  { id: "tokens", label: "Tokens", admin: true },
  { id: "tenants", label: "Tenants", admin: true },
  { id: "audit", label: "Audit", admin: true },
] as const;

export function SettingsPage() {
  useTitle("Settings");
  const session = useSession();
  const { tab } = useSearch({ from: "/settings" });
  const admin = atLeast(session, "admin");
  const current = TABS.find((one) => one.id === tab) ?? TABS[0];
  return (
    <div className="page">
      <div className="page-head"><h1 tabIndex={-1}>Settings</h1></div>
      <nav className="tabs" aria-label="Parts of the settings">
        {TABS.filter((one) => admin || !one.admin).map((one) => (
          <Link key={one.label} to="/settings" search={one.id ? { tab: one.id } : {}} className="tab" activeOptions={EXACT}>{one.label}</Link>
        ))}
      </nav>
      {current.admin && !admin ? <NotAllowed what={`This part is for admins; you are ${session.role} of ${session.tenant}.`} /> : <Panel id={current.id} />}
    </div>
  );
}

function Panel({ id }: { id: string | undefined }) {
  switch (id) {
    case "budgets": return <BudgetsPanel />;
    case "models": return <ModelsPanel />;
    case "tokens": return <TokensPanel />;
    case "tenants": return <TenantsPanel />;
    case "audit": return <AuditPanel />;
    default: return <You />;
  }
}

function You() {
  const session = useSession();
  const theme = useTheme();
  return (
    <>
      <section className="section" aria-labelledby="session">
        <h2 id="session">Session</h2>
        <dl className="props props-tall">
          <div><dt>Signed in as</dt><dd>{session.subject}</dd></div>
          <div><dt>Role</dt><dd>{session.role}</dd></div>
          <div><dt>Tenant</dt><dd>{session.tenants.find((one) => one.id === session.tenant)?.name ?? session.tenant}</dd></div>
          <div><dt>Server</dt><dd>Pilothouse {session.version}, {session.mode} mode</dd></div>
        </dl>
        <Button icon="out" onClick={() => void signOut()}>Sign out</Button>
      </section>
      <section className="section" aria-labelledby="looks">
        <h2 id="looks">Colours</h2>
        <fieldset className="segments segments-short">
          <legend className="sr-only">Colours</legend>
          {(["system", "light", "dark"] as Theme[]).map((one) => (
            <label key={one} className="segment"><input type="radio" name="theme" checked={theme === one} onChange={() => setTheme(one)} /><span>{one === "system" ? "System" : one === "light" ? "Light" : "Dark"}</span></label>
          ))}
        </fieldset>
      </section>
    </>
  );
}
