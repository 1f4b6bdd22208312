// Signing in with a token. The token is exchanged for a cookie that scripts cannot read; the page does not keep it.
import { useState, type FormEvent } from "react";
import { asProblem } from "../api/problem";
import { adopt, signIn, signInForDevelopment, wasSignedOut } from "../api/session";
import { useTitle } from "../lib/hooks";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Logo } from "./Logo";

export function SignIn() {
  useTitle("Sign in");
  const [token, setToken] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const attempt = async (action: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await action();
    } catch (failure) {
      const problem = asProblem(failure);
      setError(problem.status === 401 ? "This token is not known, has expired or was revoked." : `${problem.message} (${problem.code})`);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() === "") setError("Paste a token first.");
    else void attempt(() => signIn(token.trim()));
  };
  const development = (): void => void attempt(async () => {
    const session = await signInForDevelopment();
    if (session) adopt(session);
    else setError("This server does not run in development mode. Sign in with a token.");
  });

  return (
    <main className="alone">
      <div className="signin">
        <Logo size={32} />
        <h1>Sign in to Pilothouse</h1>
        <form onSubmit={submit} noValidate>
          <TextField
            label="Token" type="password" name="token" autoComplete="current-password" autoFocus placeholder="ph_…" className="input input-code"
            value={token} onChange={(event) => setToken(event.target.value)} error={error}
            help={<>An admin makes one under Settings, or on the server with <code>pilothouse token</code>.</>}
          />
          <Button type="submit" look="primary" busy={busy} className="button-wide">Sign in</Button>
        </form>
        {wasSignedOut() ? <Button look="quiet" onClick={development}>Sign in for development</Button> : null}
      </div>
    </main>
  );
}
