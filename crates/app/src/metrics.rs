//! The metrics' recorder: one for the process, rendered for Prometheus.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of durations, in seconds.
const SECONDS: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of how much one commit holds.
const BATCH: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0];

/// The recorder, installed when it is first asked for.
#[must_use]
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = || PrometheusBuilder::new();
            let builder = builder()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
                .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("batch_size".into()), BATCH))
                .unwrap_or_else(|_| builder());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if ::metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder of metrics is installed; ours stays empty");
            }
            describe();
            handle
        })
        .clone()
}

fn describe() {
    ::metrics::describe_gauge!("chat_websocket_connections_active", "Authenticated sockets.");
    ::metrics::describe_counter!("chat_websocket_connections_total", "Sockets opened.");
    ::metrics::describe_histogram!("chat_websocket_connection_duration_seconds", "How long sockets lived.");
    ::metrics::describe_counter!("chat_messages_received_total", "Messages that clients sent.");
    ::metrics::describe_counter!("chat_messages_sent_total", "Messages that were stored.");
    ::metrics::describe_histogram!("chat_message_processing_duration_seconds", "Time from request to answer, by path.");
    ::metrics::describe_histogram!("chat_db_operation_duration_seconds", "Time of a commit with all it holds.");
    ::metrics::describe_histogram!("palabre_commit_batch_size", "Writes that shared one commit.");
    ::metrics::describe_counter!("palabre_deliveries_total", "Batches put into listeners' queues.");
    ::metrics::describe_counter!(
        "palabre_slow_consumers_total",
        "Connections closed because too much waited for them."
    );
    ::metrics::describe_gauge!("palabre_redis_connected", "1 while other nodes are heard by way of Redis, else 0.");
    ::metrics::describe_gauge!("palabre_nodes_heard", "Other nodes that are heard.");
    ::metrics::describe_counter!("palabre_node_publishes_total", "Words told to other nodes.");
    ::metrics::describe_counter!("palabre_node_publish_failures_total", "Times that other nodes could not be told.");
    ::metrics::describe_counter!("palabre_holes_read_total", "Times that missing numbers were read from the database.");
    ::metrics::describe_counter!(
        "palabre_history_changes_total",
        "Times that the database was found to be another history than before."
    );
    ::metrics::describe_counter!(
        "palabre_node_frames_refused_total",
        "Frames on Redis that were not believed, by reason: sealed (no node of ours made it), stale (heard before, or late)."
    );
    ::metrics::describe_gauge!("palabre_nodes_unlike", "Ways in which other nodes do not fit together with this one.");
    ::metrics::describe_gauge!(
        "palabre_clock_ahead_seconds",
        "How far this machine's clock is ahead of the database's; below 0: behind."
    );
    ::metrics::describe_counter!("palabre_goodbyes_total", "Sockets ended, by reason.");
    ::metrics::describe_counter!(
        "palabre_connections_closed_total",
        "Connections closed because they kept the server waiting, or to make room, by reason."
    );
    ::metrics::describe_counter!(
        "palabre_requests_refused_total",
        "Requests that were no HTTP/1.1 or came too slowly, by status."
    );
    ::metrics::describe_counter!("chat_auth_requests_total", "Log-ins, by status.");
    ::metrics::describe_counter!("auth_login_attempts_total", "Log-ins tried.");
    ::metrics::describe_counter!("auth_login_failures_total", "Log-ins refused.");
    ::metrics::describe_counter!("security_suspicious_activities_total", "Used refresh tokens that came back.");
    ::metrics::describe_counter!("chat_rate_limit_exceeded_total", "Requests that came too soon.");
    ::metrics::describe_counter!("palabre_jobs_done_total", "Jobs that were done, by kind.");
    ::metrics::describe_counter!("palabre_job_failures_total", "Tries of jobs that failed, by kind.");
    ::metrics::describe_counter!("palabre_jobs_given_up_total", "Jobs that were given up, by kind.");
    ::metrics::describe_counter!("palabre_previews_total", "Links that were looked at for a preview, by outcome.");
    ::metrics::describe_counter!("palabre_follower_texts_total", "Texts that a follower has taken up, by follower.");
    ::metrics::describe_gauge!("palabre_push_devices", "Devices on which people are told.");
    ::metrics::describe_gauge!("palabre_pushes_waiting", "Pushes that wait for their devices, of all nodes.");
    ::metrics::describe_gauge!("palabre_push_lag_seconds", "For how long the first of these waits.");
    ::metrics::describe_counter!("palabre_pushes_total", "Pushes to devices, by what became of them.");
    ::metrics::describe_counter!("palabre_push_devices_removed_total", "Devices that are over.");
    ::metrics::describe_gauge!("palabre_follower_lag_seconds", "Age of what a follower has not seen, by follower.");
    ::metrics::describe_gauge!("palabre_follower_behind", "Conversations that a follower is to read on, by follower.");
    ::metrics::describe_histogram!("palabre_job_lateness_seconds", "How long after they were due jobs were begun.");
    ::metrics::describe_counter!("palabre_unreadable_rows_total", "Rows that could not be read, by table.");
    ::metrics::describe_counter!("palabre_damage_total", "Times that the database reported damage.");
    ::metrics::describe_counter!("palabre_files_infected_total", "Files that the scanner refused.");
    ::metrics::describe_counter!("palabre_files_unscanned_total", "Files that the scanner could not judge.");
    ::metrics::describe_histogram!("palabre_thumbnails_seconds", "Time to read a picture and to make it smaller.");
    ::metrics::describe_counter!("chat_errors_total", "Failures, by type.");
}
