//! What the engine promises, on both databases: the same tests run on SQLite and on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test by a panic"
)]

mod cancelling;
mod crashes;
mod failures;
mod fairness;
mod leases;
mod node;
mod queue;
mod reconciling;
mod replay;
mod retries;
mod schedules;
mod signals;
mod streams;
mod support;
mod telling;
mod versions;

pilothouse_testkit::on_both_databases! {
    replay::a_finished_step_is_not_repeated_and_an_unfinished_one_keeps_its_key,
    replay::another_name_at_a_finished_steps_place_ends_the_run,
    replay::a_failure_that_the_workflow_went_past_is_a_result,
    replay::a_step_after_the_last_one_loses_nothing,
    retries::a_dead_run_that_is_tried_again_keeps_what_it_has,
    retries::a_cancelled_run_can_be_tried_again,
    retries::only_the_missing_part_of_a_fan_out_is_done_again,
    retries::what_is_written_with_a_step_is_written_once,
    retries::what_could_not_be_written_with_a_step_leaves_no_trace,
    retries::a_taken_row_is_told_as_such,
    versions::a_run_ends_in_the_version_that_it_began_with,
    versions::a_version_that_nobody_knows_is_named,
    versions::a_kind_that_nobody_knows_any_more_is_named,
    versions::another_worker_ends_what_this_one_does_not_know,
    failures::a_panic_is_a_failed_attempt,
    failures::attempts_run_out_after_growing_pauses,
    failures::a_final_failure_is_not_tried_again,
    failures::a_run_of_an_unknown_kind_is_refused,
    failures::an_input_that_is_too_large_is_refused,
    failures::a_result_that_is_too_large_is_a_final_failure,
    cancelling::a_queued_run_is_cancelled_at_once,
    cancelling::a_running_run_hears_its_token,
    cancelling::a_run_that_has_ended_stays_as_it_is,
    cancelling::another_tenant_cannot_cancel,
    cancelling::a_wish_that_comes_after_the_workers_last_look_still_ends_the_run,
    signals::a_signal_wakes_a_run_that_waits,
    signals::signals_that_come_early_are_kept,
    signals::each_signal_is_given_to_one_branch,
    signals::a_wait_ends_at_its_deadline,
    signals::a_waiting_run_is_cancelled_at_once,
    signals::strangers_send_nothing,
    leases::a_fenced_worker_writes_nothing,
    leases::a_worker_that_lives_keeps_its_runs,
    leases::a_busy_engine_still_takes_over,
    leases::an_exclusive_start_takes_every_run_of_others,
    leases::a_claim_whose_answer_was_lost_is_made_again,
    leases::an_old_attempt_does_not_disturb_the_new_one,
    leases::a_stopping_worker_hands_its_runs_back,
    reconciling::a_silent_workers_runs_are_taken_back_on_demand,
    reconciling::a_worker_that_beats_loses_nothing_on_demand,
    queue::several_engines_never_run_the_same_run,
    queue::a_run_without_a_slot_waits_for_one,
    queue::stopping_lets_the_runs_end,
    queue::one_key_is_one_run,
    queue::the_row_that_asked_and_the_run_are_one_unit,
    queue::a_caller_that_goes_away_leaves_a_working_run,
    queue::a_delayed_run_begins_when_it_is_due,
    queue::what_is_of_higher_priority_goes_first,
    queue::a_full_lane_takes_no_more,
    fairness::a_quiet_tenant_waits_for_no_more_than_one_job,
    fairness::a_paused_queue_begins_nothing,
    fairness::limits_hold_for_queue_tenant_and_key,
    fairness::a_rate_lets_only_so_many_begin,
    schedules::each_tick_fires_once_over_two_nodes,
    schedules::a_tick_is_skipped_while_a_run_has_not_ended,
    schedules::a_tick_waits_for_the_runs_before_it,
    schedules::a_tick_takes_the_place_of_the_run_before_it,
    schedules::missed_ticks_are_made_up_for_as_the_policy_says,
    schedules::a_clock_that_jumps_back_fires_nothing_twice,
    schedules::a_paused_schedule_fires_nothing,
    schedules::the_runs_of_a_removed_schedule_stay,
    schedules::schedules_of_workflows_that_nobody_knows_are_in_nobodys_way,
    streams::events_are_numbered_and_live_ones_are_not,
    streams::a_stream_goes_on_after_a_number_and_ends,
    streams::a_stream_goes_on_across_attempts,
    streams::a_run_that_is_tried_again_is_told_on,
    streams::another_engine_sees_the_same_events,
    streams::nothing_that_others_wrote_is_skipped,
    streams::waiting_ends_with_patience,
    telling::progress_never_goes_back,
    telling::lines_stand_in_their_order,
    telling::lines_belong_to_the_step_that_is_at_work,
    telling::a_run_logs_so_much_and_no_more,
    telling::what_no_database_keeps_is_left_out,
}
