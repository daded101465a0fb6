//! Everything countable has a limit, and all limits are in this table.

/// Unread messages are counted up to this number; a larger count is shown as "100 or more". The list reads so many rows
/// of each conversation at most, so its price does not grow with an absence.
pub const UNREAD_CAP: i64 = 100;
/// The largest value that `limits.message_length` accepts.
pub const MESSAGE_LENGTH_CEILING: i64 = 10_000;

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $field:ident: $default:literal, $least:literal..=$most:expr;)*) => {
        /// The limits in force, with their defaults; [`Limits::TABLE`] lists them.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])* pub $field: i64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Limits {
            /// Name, default, least and greatest accepted value, and meaning of each limit.
            pub const TABLE: &'static [(&'static str, i64, i64, i64, &'static str)] = &[
                $((stringify!($field), $default, $least, $most, concat!($($doc),*)),)*
            ];

            /// Name and value of each limit, in the order of the table.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, i64)> {
                vec![$((stringify!($field), self.$field),)*]
            }

            /// Sets a limit by its name.
            ///
            /// # Errors
            /// The allowed values, if the name is unknown or the value out of range.
            pub fn set(&mut self, name: &str, value: i64) -> Result<(), String> {
                match name {
                    $(stringify!($field) => {
                        let allowed = $least..=$most;
                        if !allowed.contains(&value) {
                            return Err(format!("must be from {} to {}", allowed.start(), allowed.end()));
                        }
                        self.$field = value;
                    })*
                    _ => return Err("is not a limit".into()),
                }
                Ok(())
            }
        }
    };
}

limits! {
    /// Characters (Unicode scalar values) in a message.
    message_length: 2_000, 1..=MESSAGE_LENGTH_CEILING;
    /// Messages that a user may send or edit in a minute.
    messages_per_minute: 60, 1..=1_000_000_000;
    /// Messages that a user may send or edit at once, before the minute's rate applies.
    message_burst: 10, 1..=1_000_000_000;
    /// Messages that a user may send or edit in a minute, and at once, through Matcha's endpoints.
    matcha_messages_per_minute: 100, 1..=1_000_000_000;
    /// Other commands and requests that a user may give in a minute, reactions among them.
    requests_per_minute: 1_200, 1..=1_000_000_000;
    /// Other commands and requests that a user may give at once.
    request_burst: 200, 1..=1_000_000_000;
    /// Open sockets of one user.
    connections_per_user: 20, 1..=1_000_000;
    /// Open sockets of the whole server.
    connections: 100_000, 1..=10_000_000;
    /// Open connections of one network address (of IPv6, of one /64); never more than three quarters of what the server
    /// can hold.
    connections_per_address: 10_000, 1..=10_000_000;
    /// Open connections that are no authenticated socket, plain HTTP included, of the whole server.
    unauthenticated_connections: 4_096, 16..=10_000_000;
    /// The same of one network address (of IPv6, of one /64); never more than three quarters of the server's.
    unauthenticated_connections_per_address: 512, 8..=1_000_000;
    /// Sockets that have not authenticated yet, of one network address (of IPv6, of one /64).
    unauthenticated_per_address: 50, 1..=1_000_000;
    /// Seconds in which a socket must authenticate.
    authentication_seconds: 10, 1..=300;
    /// Bytes of a frame, and of a request's body.
    frame_bytes: 65_536, 1_024..=16_777_216;
    /// Bytes that may wait for a slow reader before its connection is closed.
    queue_bytes: 262_144, 16_384..=67_108_864;
    /// Messages on a page of history at most; 50 when nothing is asked for.
    history_page: 200, 1..=1_000;
    /// Messages on a page that is found by counting, as some of the old endpoints do.
    timeline_page: 1_000, 1..=1_000;
    /// Entries on a page of any other list at most.
    list_page: 200, 1..=1_000;
    /// Changes that one catches up with; beyond it the client reads the conversation anew.
    catch_up: 1_000, 1..=100_000;
    /// Bytes that a piece of a catch-up has, about; it has at least one whole number.
    catch_up_bytes: 131_072, 1..=16_777_216;
    /// Failed log-ins per account and network address (an IPv6 /64 is one) in five minutes.
    login_attempts: 5, 1..=1_000_000;
    /// Failed log-ins per network address in five minutes, of all accounts that were not used from it before.
    login_attempts_per_address: 50, 1..=1_000_000;
    /// Failed log-ins per account in an hour, from all network addresses that it was not used from before.
    login_attempts_per_account: 50, 1..=1_000_000;
    /// Registrations per network address (an IPv6 /64 is one) in an hour.
    registrations_per_hour: 60, 1..=1_000_000_000;
    /// Characters of a room's or group's name.
    name_length: 100, 1..=1_000;
    /// Characters of a topic.
    topic_length: 1_000, 1..=10_000;
    /// Characters of a profile's text fields.
    profile_length: 200, 1..=10_000;
    /// Members of a room.
    room_members: 100_000, 2..=10_000_000;
    /// Members of a group.
    group_members: 100, 2..=100_000;
    /// Conversations that one user may be a member of by their own doing: that they opened or joined.
    conversations_per_user: 5_000, 1..=1_000_000;
    /// Memberships of others that one user may have brought about, as long as they last.
    invited_per_user: 20_000, 1..=10_000_000;
    /// Conversations into which one user may bring the same other user, in all.
    invited_per_pair: 500, 1..=1_000_000;
    /// Memberships of others that one user may bring about in an hour.
    invitations_per_hour: 5_000, 1..=1_000_000_000;
    /// Drafts that one user may keep.
    drafts_per_user: 500, 1..=100_000;
    /// Bytes of a file.
    file_bytes: 10_485_760, 1..=5_368_709_120;
    /// Files of a message.
    files_per_message: 10, 1..=10;
    /// Bytes of all files of one user.
    file_bytes_per_user: 1_073_741_824, 1..=1_000_000_000_000_000;
    /// Bytes of all files of the server.
    file_bytes_per_server: 107_374_182_400, 1..=1_000_000_000_000_000;
    /// Files of one user that no message holds yet.
    waiting_files_per_user: 100, 1..=100_000;
    /// Files that a user may upload in a minute.
    uploads_per_minute: 60, 1..=1_000_000_000;
    /// Files that a user may upload at once, before the minute's rate applies.
    upload_burst: 30, 1..=1_000_000_000;
    /// Uploads of one user that may be under way at the same time, on each node.
    uploads_at_once: 6, 1..=1_000;
    /// Uploads in parts of one user that are not whole yet.
    unfinished_uploads_per_user: 20, 1..=10_000;
    /// Bytes of an avatar: the picture of a person, a room or the server.
    avatar_bytes: 512_000, 1_000..=10_000_000;
    /// Width and height of an avatar and of a custom emoji, in pixels.
    avatar_pixels: 512, 16..=4_096;
    /// Custom emoji of the server.
    emoji: 500, 0..=1_000;
    /// Bytes of a custom emoji.
    emoji_bytes: 128_000, 1_000..=10_000_000;
    /// Milliseconds of a voice message.
    voice_ms: 900_000, 1_000..=86_400_000;
    /// Threads that one user may follow; beyond it, taking part follows no more.
    followed_threads_per_user: 10_000, 1..=1_000_000;
    /// Earlier texts of one message that are kept, where a conversation keeps them; beyond it the oldest go.
    versions_per_message: 50, 1..=1_000;
    /// Different emoji on one message.
    reactions_per_message: 50, 1..=1_000;
    /// Different emoji of one user on one message.
    reactions_per_user: 10, 1..=1_000;
    /// Characters of an emoji (a flag or a family is several).
    emoji_length: 32, 1..=64;
    /// People whom a message may reach by calling everybody or user groups without a confirmation.
    mentions_unconfirmed: 20, 0..=10_000_000;
    /// User groups of the server.
    user_groups: 500, 0..=10_000;
    /// People of one user group.
    user_group_people: 400, 1..=400;
    /// Keywords that one user may have, which notify as mentions do.
    keywords_per_user: 50, 0..=1_000;
    /// Characters of such a keyword.
    keyword_length: 60, 1..=1_000;
    /// Minutes after which somebody whose devices show no activity is away.
    away_minutes: 10, 1..=1_440;
    /// Reminders that one user may have, those that are due and not dismissed included.
    reminders: 200, 1..=10_000;
    /// Browsers on which one user may be told while they show no page.
    push_devices: 20, 0..=1_000;
    /// Messages that one user may have saved.
    saved_messages: 2_000, 1..=100_000;
    /// Characters of a search.
    search_length: 500, 1..=2_000;
    /// Words and operators of a search.
    search_terms: 20, 1..=100;
    /// Results on a page of a search at most; 20 when nothing is asked for.
    search_page: 50, 1..=200;
    /// Searches that a user may make in a minute.
    searches_per_minute: 60, 1..=1_000_000_000;
    /// Searches that a user may make at once, before the minute's rate applies.
    search_burst: 20, 1..=1_000_000_000;
    /// Milliseconds after which a search gives what it has found so far.
    search_ms: 1_000, 10..=60_000;
    /// Conversations larger than this do not push presence and read markers to everybody.
    presence_members: 200, 0..=100_000;
    /// Milliseconds after which typing ends by itself.
    typing_ms: 6_000, 500..=60_000;
    /// Seconds between the server's pings.
    ping_seconds: 25, 1..=3_600;
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn every_limit_accepts_its_range_and_nothing_beside_it() {
        for &(name, default, least, most, meaning) in Limits::TABLE {
            assert!((least..=most).contains(&default), "{name}");
            assert!(meaning.ends_with('.'), "{name} has no meaning");
            let mut limits = Limits::default();
            assert!(limits.set(name, least).is_ok() && limits.set(name, most).is_ok(), "{name}");
            assert!(limits.set(name, least - 1).is_err() && limits.set(name, most + 1).is_err(), "{name}");
        }
        assert!(Limits::default().set("nonsense", 1).is_err());
    }
}
