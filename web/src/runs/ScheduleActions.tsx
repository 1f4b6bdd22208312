// What an operator can do with one schedule.
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, expect } from "../api/client";
import type { Schedule } from "../api/types";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Asked } from "./changes";
import { catchUpWords, KIND } from "./schedule";
import { ScheduleForm } from "./ScheduleForm";

export function ScheduleActions({ schedule }: { schedule: Schedule }) {
  const navigate = useNavigate();
  const target = { params: { path: { id: schedule.id } } };
  const { name } = schedule;
  return (
    <>
      <Asked
        button="Remove" icon="trash" title={`Remove ${name}?`} verb="Remove the schedule" keep="Keep it" failed="The schedule was not removed"
        text="It never ticks again, and cannot be brought back. Its runs stay in Runs, and those at work go on."
        call={() => expect(api.DELETE("/api/v1/schedules/{id}", target))} onDone={() => navigate({ to: "/schedules", search: {} })}
      />
      {schedule.kind === KIND ? <Edit schedule={schedule} /> : null}
      <Asked
        mild shown={!schedule.paused} button="Pause" icon="pause" title={`Pause ${name}?`} verb="Pause the schedule" keep="Leave it active" failed="The schedule was not paused"
        text="It does not tick until somebody resumes it. Its runs at work go on to their end."
        call={() => expect(api.POST("/api/v1/schedules/{id}/pause", target))}
      />
      <Asked
        mild shown={schedule.paused} button="Resume" icon="play" title={`Resume ${name}?`} verb="Resume the schedule" keep="Keep it paused" failed="The schedule was not resumed"
        text={`It ticks again as planned. Of the ticks it missed: ${catchUpWords(schedule.catch_up).toLowerCase()}.`}
        call={() => expect(api.POST("/api/v1/schedules/{id}/resume", target))}
      />
      <Asked
        mild button="Run now" icon="runs" title={`Run ${name} now?`} verb="Run it now" keep="Not now" failed="No run was made"
        text="One run is made beside the plan, which stays as it is. It waits for those of its ticks that have not ended."
        call={() => expect(api.POST("/api/v1/schedules/{id}/run", target))} onDone={(run) => void navigate({ to: "/runs/$runId", params: { runId: run.id } })}
      />
    </>
  );
}

function Edit({ schedule }: { schedule: Schedule }) {
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <Button icon="edit" onClick={() => setOpen(true)}>Edit</Button>
      <Dialog open={open} onClose={close} title="Edit the schedule" className="dialog-wide"><ScheduleForm before={schedule} onDone={close} onClose={close} /></Dialog>
    </>
  );
}
