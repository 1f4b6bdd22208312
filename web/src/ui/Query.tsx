// Shows a query in every state it can be in: loading, failed, there, or there but stale.
import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { Failure, Loading, Stale } from "./States";

type Props<T> = {
  query: Pick<UseQueryResult<T>, "data" | "error" | "isError" | "dataUpdatedAt" | "refetch">;
  /** Completes "Could not read …" and "Reading …". */
  what: string;
  /** Stands as the page's heading until the data brings its own. */
  heading?: string;
  rows?: number;
  shape?: "rows" | "text";
  children: (data: T) => ReactNode;
};

export function Query<T>({ query, what, heading, rows, shape, children }: Props<T>) {
  const retry = (): void => void query.refetch();
  if (query.data === undefined) {
    const title = heading ? <h1 className="sr-only" tabIndex={-1}>{heading}</h1> : null;
    return query.isError
      ? <>{title}<Failure error={query.error} what={`Could not read ${what}`} onRetry={retry} /></>
      : <>{title}<Loading what={`Reading ${what}`} {...(rows ? { rows } : {})} {...(shape ? { shape } : {})} /></>;
  }
  return (
    <>
      {query.isError ? <Stale since={query.dataUpdatedAt} onRetry={retry} /> : null}
      {children(query.data)}
    </>
  );
}
