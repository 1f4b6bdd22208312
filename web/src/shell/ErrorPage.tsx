// What stands where a page broke or an address leads nowhere.
import { Link, useRouter } from "@tanstack/react-router";
import { useTitle } from "../lib/hooks";
import { Empty, Failure } from "../ui/States";

export function BrokenPage({ error }: { error: unknown }) {
  const router = useRouter();
  return <div className="page"><Failure error={error} what="This page could not be shown" onRetry={() => void router.invalidate()} /></div>;
}

export function NoSuchPage() {
  useTitle("Nothing here");
  return (
    <div className="page">
      <h1 className="sr-only" tabIndex={-1}>Nothing at this address</h1>
      <Empty icon="question" title="Nothing at this address" action={<Link className="button button-default" to="/ask">Go to Ask</Link>}>
        <p>The address may be mistyped, or what was here belongs to another tenant.</p>
      </Empty>
    </div>
  );
}
