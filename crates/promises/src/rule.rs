//! The promises.

use std::fmt;

macro_rules! rules {
    ($($rule:ident, $name:literal, $says:literal;)*) => {
        /// The promises, numbered as in the delivery contract: what must hold of everything that was seen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = concat!($name, ": ", $says, ".")] $rule,)*
        }

        impl Rule {
            /// All promises, in order.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// Its name in the contract.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// Its content, in a few words.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$rule => $says,)*
                }
            }
        }
    };
}

rules! {
    I1, "durability", "what was acknowledged is kept";
    I2, "no duplicate effect", "nothing is kept twice";
    I3, "gap-free", "numbers without gaps";
    I4, "no phantom", "nothing that nobody said";
    I5, "stable ack", "one send, one answer";
    I6, "order agreement", "all see one order";
    I7, "completeness", "all get everything";
    I8, "sender FIFO", "a sender's order is kept";
    I9, "real-time order", "what was answered first stands first";
    I10, "no leak", "nobody sees what is not for them";
    I11, "delivered ⇒ durable", "what was delivered is kept";
    I12, "markers", "markers only move forward, unread is counted right";
    I13, "read-your-writes", "reads show what was acknowledged before";
    I15, "honest errors", "what was refused is not kept";
    I16, "bounds", "recovery and delay within their bounds";
    P4, "done later", "what was asked for later is done, once, whoever dies meanwhile";
    P3, "exactly-once effect", "the same client id with another text is refused";
    A1, "account", "an account is alike on all its devices";
    F1, "files are whole", "a file that can be read is whole, and so is each that the database knows";
    F2, "files are there", "a message's files are there when the message is";
    F3, "files are private", "nobody reads a file who may not";
    F4, "files go on", "what cannot be done with a file now is refused with when to try again, and works afterwards";
    L1, "previews", "a link's preview comes once, is whole, and stays off once it was taken off";
    S1, "search", "what is kept is found within five seconds, and nothing else";
}

/// Its number, such as `I7`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The promise.
    pub rule: Rule,
    /// Where and how it was broken, and for which client.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.rule, self.rule.name(), self.detail)
    }
}
