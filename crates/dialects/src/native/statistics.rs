//! How the server is doing, as administrators are shown it.

use serde::Serialize;
use utoipa::ToSchema;

/// How the server is doing.
#[derive(Serialize, ToSchema)]
pub struct Statistics<'a> {
    /// Open authenticated connections, people's several ones counted each.
    connections: i64,
    /// People with at least one connection.
    people_here: i64,
    /// Accounts, deactivated ones too.
    accounts: i64,
    /// Conversations by kind.
    conversations: ConversationCounts,
    /// Messages since the database was made, deleted ones too.
    messages: i64,
    /// Messages stored since the server was started: the difference of two readings is a rate.
    messages_sent: i64,
    /// Batches of frames put into connections' queues since the server was started.
    deliveries: i64,
    /// Bytes that the database takes on its disk.
    storage_bytes: i64,
    /// Files that wait for a message or are held by one.
    files: i64,
    /// Bytes of all files, where they are kept.
    file_bytes: i64,
    /// Files that the scanner has refused since the server was started.
    files_infected: i64,
    /// Jobs that wait until they are due, such as reminders.
    jobs_waiting: i64,
    /// Jobs that were given up: `palabre jobs list` tells which.
    jobs_failed: i64,
    /// Changes that the index for searching has not seen yet: what is newest is found later. Absent if it cannot be read.
    search_behind: Option<i64>,
    /// Seconds since the server was started.
    uptime_seconds: i64,
    /// The program's version.
    version: &'a str,
}

/// How many conversations of each kind there are.
#[derive(Serialize, ToSchema)]
pub struct ConversationCounts {
    /// Rooms.
    rooms: i64,
    /// Groups.
    groups: i64,
    /// Direct conversations.
    direct: i64,
}

impl<'a> From<&'a crate::AllStatistics> for Statistics<'a> {
    fn from(statistics: &'a crate::AllStatistics) -> Self {
        let kept = &statistics.kept;
        Self {
            connections: statistics.connections,
            people_here: statistics.people_here,
            accounts: kept.accounts,
            conversations: ConversationCounts { rooms: kept.rooms, groups: kept.groups, direct: kept.directs },
            messages: kept.messages,
            messages_sent: kept.messages_sent,
            deliveries: statistics.deliveries,
            storage_bytes: kept.storage_bytes,
            files: kept.files,
            file_bytes: kept.file_bytes,
            files_infected: kept.files_infected,
            jobs_waiting: kept.jobs_waiting,
            jobs_failed: kept.jobs_failed,
            search_behind: kept.search_behind,
            uptime_seconds: statistics.uptime_seconds,
            version: &statistics.version,
        }
    }
}
