//! Statistics.

/// Counts of what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Accounts, deactivated ones too.
    pub accounts: i64,
    /// Rooms.
    pub rooms: i64,
    /// Groups.
    pub groups: i64,
    /// Direct conversations.
    pub directs: i64,
    /// Messages since the database was made, deleted ones too.
    pub messages: i64,
    /// Messages stored by this process since it was started.
    pub messages_sent: i64,
    /// Bytes that the database takes on its disk.
    pub storage_bytes: i64,
    /// Files that wait for a message or are held by one.
    pub files: i64,
    /// Bytes of all files, those included that are being removed.
    pub file_bytes: i64,
    /// Files that the scanner has refused since this process was started.
    pub files_infected: i64,
    /// Jobs that wait until they are due or are being done.
    pub jobs_waiting: i64,
    /// Jobs that were given up.
    pub jobs_failed: i64,
    /// Changes that the index for searching has not seen yet; absent if it cannot be read.
    pub search_behind: Option<i64>,
}
