//! Identifiers and positions. All integers stay below 2^53, so that JavaScript can read them.

use std::fmt;

/// The largest integer that every client can read exactly (2^53 − 1).
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// A person, a bot or another program with an account.
    UserId
);
integer_id!(
    /// A room, a group or a direct conversation: they share one sequence and never share an id.
    ConversationId
);
integer_id!(
    /// A message, unique on the whole server. Its place in the conversation is its [`Number`].
    MessageId
);
integer_id!(
    /// A log-in: the family of refresh tokens that began with one password check.
    SessionId
);
integer_id!(
    /// Somebody's reminder of a message.
    ReminderId
);
integer_id!(
    /// A browser on which somebody wants to be told while it shows no page.
    PushDeviceId
);
integer_id!(
    /// A user group: a named list of people.
    UserGroupId
);
integer_id!(
    /// The number of a durable change in a conversation: 1, 2, 3 … without gaps. A message's `seq`,
    /// a row's `rev` and a conversation's `head` are all numbers of this counter.
    Number
);
integer_id!(
    /// One open socket on this node. Not stored.
    ConnectionId
);

impl Number {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        // A damaged row may hold the largest number.
        Self(self.0.saturating_add(1))
    }
}

/// The id that a sender chooses for a send. `(author, client id)` is unique for ever, which makes a repeated send
/// harmless.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The longest client id, in characters: room for a UUID and a prefix.
    pub const MAX_LENGTH: usize = 64;

    /// Accepts 1 to 64 printable ASCII characters without spaces.
    ///
    /// # Errors
    /// The reason, for the caller.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(format!("must have 1 to {} characters", Self::MAX_LENGTH));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("may hold printable ASCII characters only, without spaces".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a file: 128 random bits, so that nobody finds a file by guessing. It is written as 32 lowercase hexadecimal
/// digits, and only such a text is read as one: a path made of it leads nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId([u8; 16]);

impl FileId {
    /// How many characters it is written with.
    pub const LENGTH: usize = 32;

    /// The id of these bits, which must be random.
    #[must_use]
    pub fn of(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// Reads an id; `None` if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != Self::LENGTH {
            return None;
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |sum, digit| match digit {
                b'0'..=b'9' => Some(sum << 4 | (digit - b'0')),
                b'a'..=b'f' => Some(sum << 4 | (digit - b'a' + 10)),
                _ => None,
            })?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({self})")
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientId, FileId};

    #[test]
    fn a_files_id_is_32_lowercase_hexadecimal_digits_and_nothing_else() {
        let id = FileId::of([0xab; 16]);
        assert_eq!(FileId::parse(&id.to_string()), Some(id));
        let good = "00112233445566778899aabbccddeeff";
        assert_eq!(FileId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        let others = [
            &good[1..],
            &good.to_uppercase(),
            "../../../../../../../../../etc/x",
            &"g".repeat(32),
            "",
            &"é".repeat(16),
        ];
        for bad in others {
            assert_eq!(FileId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn client_ids_are_short_printable_ascii() {
        for good in ["a", "0192-abc", &"x".repeat(64)] {
            assert!(ClientId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "é", "nul\0", &"x".repeat(65)] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
