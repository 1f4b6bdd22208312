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
mod leases;
mod queue;
mod replay;
mod streams;
mod support;

pilothouse_testkit::on_both_databases! {
    replay::a_finished_step_is_not_repeated_and_an_unfinished_one_keeps_its_key,
    replay::another_name_at_a_finished_steps_place_ends_the_run,
    replay::another_version_of_the_workflow_ends_the_run,
    replay::a_failure_that_the_workflow_went_past_is_a_result,
    replay::a_step_after_the_last_one_loses_nothing,
    failures::a_panic_is_a_failed_attempt,
    failures::attempts_run_out_after_growing_pauses,
    failures::a_final_failure_is_not_tried_again,
    failures::a_run_of_an_unknown_kind_fails,
    cancelling::a_queued_run_is_cancelled_at_once,
    cancelling::a_running_run_hears_its_token,
    cancelling::a_run_that_has_ended_stays_as_it_is,
    cancelling::another_tenant_cannot_cancel,
    cancelling::a_wish_that_comes_after_the_workers_last_look_still_ends_the_run,
    leases::a_fenced_worker_writes_nothing,
    leases::an_expired_lease_lets_another_engine_take_over,
    leases::a_busy_engine_still_frees_expired_leases,
    leases::an_exclusive_start_frees_every_lease_of_others,
    leases::a_lease_that_nobody_works_under_runs_out,
    leases::an_old_attempt_does_not_disturb_the_new_one,
    queue::two_engines_never_run_the_same_run,
    queue::a_run_without_a_slot_waits_for_one,
    queue::stopping_lets_the_runs_end,
    queue::one_key_is_one_run,
    queue::the_row_that_asked_and_the_run_are_one_unit,
    queue::a_caller_that_goes_away_leaves_a_working_run,
    streams::events_are_numbered_and_live_ones_are_not,
    streams::a_stream_goes_on_after_a_number_and_ends,
    streams::another_engine_sees_the_same_events,
    streams::nothing_that_others_wrote_is_skipped,
    streams::waiting_ends_with_patience,
}
