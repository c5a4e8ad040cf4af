//! One suite for both engines.
//!
//! Every behaviour is a function over a [`Database`]. On SQLite each is a test of its own; on PostgreSQL
//! one test walks through all of them, each on a fresh database of one server, because starting a
//! server takes longer than the whole walk (see `testkit::postgres`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod corruption;
mod database;
mod durability;
mod fixture;
mod forges;
mod jobs;
mod kites;
mod logs;
mod nudges;
mod outbox;
mod schema;
mod sealed;
mod teams;
mod two_servers;
mod workspaces;

use database::Database;

/// Behaviours checked on PostgreSQL at the same time; most of the time goes into making databases.
const AT_ONCE: usize = 4;

/// Makes a test of every named behaviour on SQLite, and the walk on PostgreSQL.
macro_rules! on_both_engines {
    ($($module:ident { $($behaviour:ident)+ })+) => {
        mod on_sqlite {
            $(mod $module {$(
                #[tokio::test]
                async fn $behaviour() {
                    crate::$module::$behaviour(crate::Database::sqlite()).await;
                }
            )+})+
        }

        #[tokio::test]
        async fn everything_holds_on_postgresql() {
            let Some(server) = testkit::postgres().await.map(std::rc::Rc::new) else { return };
            let here = tokio::task::LocalSet::new();
            let places = std::rc::Rc::new(tokio::sync::Semaphore::new(AT_ONCE));
            let walks = [$($((
                stringify!($module::$behaviour),
                here.spawn_local({
                    let (server, places) = (server.clone(), places.clone());
                    async move {
                        let _place = places.acquire().await;
                        let database = Database::Postgres { url: server.database().await };
                        crate::$module::$behaviour(database).await;
                    }
                }),
            )),+),+];
            here.await;
            let mut broken = Vec::new();
            for (behaviour, walk) in walks {
                if walk.await.is_err() {
                    broken.push(behaviour);
                }
            }
            assert_eq!(broken, Vec::<&str>::new(), "see the panics above");
        }
    };
}

on_both_engines! {
    access {
        a_user_comes_back_as_saved
        a_taken_user_name_conflicts_and_the_transaction_goes_on
        a_user_can_be_changed_but_not_onto_a_taken_name
        a_password_is_kept_apart_from_the_user
        a_session_comes_back_by_its_hash_until_it_is_deleted
        expired_sessions_are_removed_and_the_others_stay
        a_session_is_touched_forwards_only
        a_token_comes_back_with_its_scopes
        all_tokens_and_sessions_of_one_person_can_be_ended
        a_setting_is_replaced_and_deleted
        a_repeated_request_finds_the_first_answer
        audit_entries_are_paged_newest_first
        text_with_a_null_character_is_stored_on_both_engines
    }
    workspaces {
        a_workspace_comes_back_as_saved_in_every_phase
        a_taken_workspace_name_conflicts_for_the_same_owner_only
        a_workspace_cannot_be_renamed_onto_another
        saving_a_workspace_that_is_gone_conflicts
        workspaces_are_paged_newest_first
        deleting_a_workspace_takes_everything_of_it_along
        every_workspace_is_listed_with_its_phase
        changes_under_lock_do_not_get_lost
        activity_is_noted_without_touching_the_rest
        an_agent_credential_is_replaced
        a_snapshot_outlives_its_workspace
    }
    forges {
        a_forge_comes_back_as_saved
        a_forge_takes_links_identities_and_secrets_along
        a_link_comes_back_as_saved
        an_account_is_linked_once_and_a_person_once_at_a_forge
        a_link_takes_its_tokens_and_upload_along
        one_of_many_renews_a_credential
        a_lease_on_renewing_ends_and_knows_its_generation
        an_account_signs_one_person_in
        an_attempt_is_taken_once
        attempts_are_swept_with_what_is_sealed_for_them
        a_persons_ssh_key_is_replaced
    }
    kites {
        a_kite_comes_back_as_saved_and_replaced
        a_kites_id_stays_its_owners
        only_the_present_registration_is_touched_and_removed
        kites_go_with_their_workspace_team_and_owner
        the_issues_of_a_kite_key_follow_each_other
        of_servers_that_renew_a_kite_key_at_once_one_does
        a_kite_key_that_is_renewed_at_this_moment_is_revoked
        kite_keys_of_a_team_go_with_it
        one_pair_of_the_registry_signs_at_a_time
        a_share_is_good_while_its_owner_may_enter
        a_code_is_taken_once
    }
    sealed {
        an_owner_has_one_data_key_that_seals
        of_servers_that_make_a_data_key_at_once_one_wins
        data_keys_are_wrapped_anew_in_pages
        a_sealed_value_is_kept_replaced_and_deleted
        values_move_from_retired_data_keys_to_new_ones
        nothing_is_sealed_with_a_data_key_that_is_gone
        an_owners_data_keys_go_with_all_they_sealed
    }
    teams {
        the_team_everybody_belongs_to_is_there_from_the_beginning
        workspaces_made_before_there_were_teams_belong_to_everybody
        a_team_comes_back_as_saved
        members_have_one_role_each
        an_invitation_is_taken_once
        a_teams_secrets_are_listed_by_name
        a_teams_workspaces_are_paged
        sessions_of_one_sign_in_end_together
        a_handoff_is_taken_once_and_ends_with_its_session
        preferences_are_kept_with_the_person
    }
    outbox {
        an_effect_is_claimed_once_it_is_due
        a_claimed_effect_is_nobody_elses_until_its_lease_ends
        a_clock_that_is_set_back_keeps_nothing_waiting
        a_newer_wish_replaces_the_older_and_outlives_its_end
        a_generation_is_never_used_twice
        a_cleared_effect_cannot_come_back
        a_retried_effect_waits_and_counts
        a_lease_can_be_renewed_by_its_owner_only
        leases_are_released_by_owner
        effects_are_claimed_longest_due_first_up_to_the_limit
        what_is_wanted_can_be_listed_claimed_or_not
        an_effect_needs_a_workspace
    }
    jobs {
        a_job_runs_once_and_is_gone
        a_job_with_the_same_key_is_not_added_twice
        a_job_is_tried_again_later_and_given_up_at_last
        a_job_whose_server_died_is_claimed_again
    }
    logs {
        a_log_can_be_replayed_from_any_line
        numbers_go_on_through_every_run
        a_long_log_is_kept_in_few_chunks_and_read_in_pages
        two_writers_never_get_the_same_numbers
        a_log_needs_a_workspace_and_the_transaction_goes_on
        a_writer_puts_many_lines_into_few_transactions
        a_writer_drops_lines_of_a_workspace_that_is_gone_and_no_others
        lines_taken_in_are_written_after_the_writer_is_dropped
        earlier_runs_can_be_forgotten
    }
    nudges {
        a_nudge_arrives_after_the_commit_and_once
        a_transaction_that_is_dropped_nudges_nobody
    }
    durability {
        what_was_committed_is_there_after_a_restart
        a_dropped_transaction_leaves_nothing
        a_cancelled_transaction_leaves_nothing
        a_transaction_that_nobody_waits_for_is_not_left_open
        a_commit_goes_through_when_nobody_waits_for_it
        a_reader_sees_one_state
        a_reader_cannot_write
        many_writers_at_once_lose_nothing
        a_closed_store_says_so
    }
    corruption {
        a_corrupt_row_is_named
    }
    schema {
        every_statement_fits_the_tables
        a_database_of_a_newer_version_is_refused
        opening_twice_changes_nothing
    }
}
