// Listens to what happens in a run: reads the run anew when something did, and tells what it is doing just now, which
// no journal knows yet.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { followRun, type RunEvent } from "../api/events";
import { nowAfter, type Now } from "./words";

/** Changes that come together are read together. */
const SETTLE_MS = 150;

const NOTHING: Now = { step: null, percent: null };

export function useRunEvents(id: string, live: boolean): { connected: boolean; now: Now } {
  const client = useQueryClient();
  const [connected, setConnected] = useState(false);
  const [now, setNow] = useState<Now>(NOTHING);
  useEffect(() => {
    if (!live) return;
    const controller = new AbortController();
    let timer = 0;
    const read = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        void client.invalidateQueries({ queryKey: ["runs", "one", id] });
        void client.invalidateQueries({ queryKey: ["runs", "logs", id] });
      }, SETTLE_MS);
    };
    const onEvent = (event: RunEvent): void => {
      setNow((before) => nowAfter(before, event));
      if (event.name !== "progress") read();
    };
    void followRun(id, { onEvent, onConnected: setConnected }, controller.signal);
    return () => { controller.abort(); window.clearTimeout(timer); setConnected(false); setNow(NOTHING); };
  }, [client, id, live]);
  return { connected, now };
}
