//! Every store method on both engines: the same tests run on SQLite and on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test by a panic")]

mod accounts;
mod audit;
mod claims;
mod groups;
mod journal;
mod people;
mod retention;
mod runs;
mod support;
mod units;
mod warehouses;
mod workers;

pilothouse_testkit::on_both_databases! {
    units::a_failed_unit_leaves_nothing_and_its_neighbours_stay,
    units::an_error_that_the_unit_hides_still_undoes_it,
    units::a_panic_is_one_failed_unit,
    units::a_dropped_caller_leaves_the_unit_whole,
    units::a_unit_waits_for_nothing_but_the_database,
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
    runs::a_key_is_taken_once_within_a_group,
    runs::a_full_lane_takes_no_more,
    runs::a_worker_may_take_a_run_as_it_comes,
    runs::a_delayed_run_becomes_ready_at_its_moment,
    runs::runs_are_listed_in_pages_and_by_filter,
    runs::a_conversation_remembers,
    runs::a_run_ends_once_and_only_by_its_worker,
    runs::a_failed_attempt_is_followed_by_another,
    runs::what_somebody_wants_to_stop_does_not_go_back,
    groups::a_group_is_answered_in_order,
    groups::an_old_claim_gains_nothing_from_a_new_one_beside_it,
    groups::what_goes_with_a_change_happens_once,
    groups::what_goes_with_a_change_can_undo_it,
    groups::an_end_waits_for_whoever_changes_its_run,
    groups::a_group_lengthens_many_chains,
    groups::groups_side_by_side_make_whole_chains,
    groups::keys_asked_for_from_many_sides_make_one_run_each,
    claims::runs_of_a_lane_go_in_order_of_moment_and_priority,
    claims::what_comes_back_stands_in_line_again,
    claims::lanes_take_turns,
    claims::a_key_is_one_runs_at_a_time_unless_its_queue_says_otherwise,
    claims::many_lanes_are_claimed_at_once,
    claims::a_counted_wish_is_taken_within_limits_only,
    claims::limits_hold_however_many_come_counted_at_once,
    claims::two_workers_never_hold_one_run,
    claims::limits_hold_however_many_claim_at_once,
    claims::limits_keep_lanes_back,
    claims::a_rate_lets_so_many_begin,
    claims::ready_lanes_are_found_in_pages,
    claims::depths_count_what_lives,
    claims::a_claimed_run_is_not_claimed_again,
    workers::a_worker_is_given_up_only_while_its_count_stands,
    workers::a_beat_tells_what_to_stop,
    workers::the_runs_of_a_lost_worker_are_taken_back,
    workers::a_lost_worker_leaves_what_it_wrote,
    workers::a_lost_worker_is_told_that_it_lost,
    workers::what_a_forgotten_worker_takes_is_found,
    workers::what_a_worker_never_heard_of_goes_back_untouched,
    retention::old_runs_are_forgotten_with_all_that_belongs_to_them,
    retention::what_lives_again_is_kept,
    retention::many_old_runs_are_forgotten_at_once,
    people::only_a_waiting_run_is_held_for_its_signal,
    people::cancelling_is_at_once_or_a_wish,
    people::a_waiting_run_holds_no_worker_and_is_woken,
    people::a_signal_is_found_under_its_key,
    people::an_early_signal_ends_a_wait_before_it_begins,
    people::a_wait_ends_at_its_moment,
    people::what_did_not_end_well_is_tried_again,
    people::a_dead_run_is_let_be_once,
    journal::entries_are_read_back_as_they_were_written,
    journal::a_journal_is_read_in_pages,
    journal::a_write_whose_answer_was_lost_is_made_once,
    journal::a_stolen_number_is_not_the_same_write,
    audit::chains_are_separate_and_whole,
    audit::many_who_append_make_one_chain,
    audit::lists_page_from_both_ends,
}
