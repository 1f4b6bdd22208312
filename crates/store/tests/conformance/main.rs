//! Every store method on both engines: the same tests run on SQLite and on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test by a panic"
)]

mod accounts;
mod audit;
mod journal;
mod leases;
mod runs;
mod support;
mod units;
mod warehouses;

pilothouse_testkit::on_both_databases! {
    units::a_failed_unit_leaves_nothing_and_its_neighbours_stay,
    units::an_error_that_the_unit_hides_still_undoes_it,
    units::a_panic_is_one_failed_unit,
    units::a_dropped_caller_leaves_the_unit_whole,
    units::a_read_cannot_write,
    units::a_read_sees_one_moment,
    units::every_connection_commits_to_the_disk,
    units::a_closed_store_says_so,
    units::the_store_answers_a_ping,
    accounts::tenants_are_made_once,
    accounts::tokens_live_and_are_revoked,
    accounts::a_token_needs_its_tenant_and_a_free_public_id,
    accounts::sessions_come_and_go,
    accounts::nodes_beat,
    warehouses::connections_are_named_once_per_tenant,
    warehouses::catalogs_are_replaced,
    warehouses::semantic_models_have_versions,
    runs::a_run_is_enqueued_once_per_key,
    runs::runs_are_listed_in_pages_and_by_filter,
    runs::a_conversation_remembers,
    runs::a_run_ends_once_and_only_by_its_worker,
    runs::a_parked_run_holds_no_worker,
    runs::cancelling_is_at_once_or_a_wish,
    leases::due_runs_are_claimed_in_order_and_by_kind,
    leases::two_workers_never_hold_one_run,
    leases::a_heartbeat_keeps_only_what_is_held,
    leases::expired_leases_are_taken_back,
    leases::every_lease_of_others_is_taken_back,
    journal::a_finished_step_is_never_begun_again,
    journal::a_step_is_recorded_once_and_only_by_its_worker,
    journal::a_fenced_worker_cannot_write_steps,
    journal::events_are_numbered_per_run,
    journal::events_from_many_sides_have_no_gaps,
    audit::chains_are_separate_and_whole,
    audit::many_who_append_make_one_chain,
    audit::lists_page_from_both_ends,
}
