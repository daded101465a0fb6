//! The encryption of what nodes send each other by way of Redis: only holders of their secret can read or make a frame.
//!
//! A frame is `version, sender, counter, time, encrypted words`. Each sender (one life of a node) encrypts with a key
//! of its own, derived from the nodes' secret, the epoch and the sender's name, so that its counter never repeats as a
//! nonce. The channel is authenticated too: a frame that was moved to another channel, altered, or made without the
//! secret does not open. The counter detects a replayed frame, the time a frame that was held back.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use chat::Millis;

/// The first byte of a frame. Frames of other versions begin otherwise and do not open.
const VERSION: u8 = 2;
/// Version, node, life, counter, time.
const HEADER: usize = 1 + 8 + 8 + 8 + 8;
/// The offset of the counter.
const COUNTER: usize = 17;
/// The offset of the time.
const TIME: usize = 25;
/// Ephemeral events are not delivered later than this. The nodes' clocks differ by less: a clock that is wrong by more
/// is replaced by the database's.
pub(crate) const LATE: Duration = Duration::from_secs(10);
/// By how much a sender's frame may be behind its newest counter: a cluster's channels have no common order.
const WINDOW: u64 = 1_024;
/// Senders that are remembered; beyond that, those that were heard longest ago are forgotten.
const SENDERS: usize = 64;

/// The secrets that only the nodes of this server have.
#[derive(Clone)]
pub struct Secrets {
    /// The secret with which this node seals.
    pub own: Vec<u8>,
    /// Another secret with which nodes may seal while the secret is being changed.
    pub accepted: Option<Vec<u8>>,
}

/// Seals what this node publishes.
pub(crate) struct Sealer {
    sender: [u8; 16],
    secret: Vec<u8>,
    epoch: String,
    key: Option<LessSafeKey>,
    counter: u64,
}

/// Opens what other nodes publish.
pub(crate) struct Opener {
    secrets: Secrets,
    epoch: String,
    node: i64,
    senders: HashMap<[u8; 16], Sender>,
    heard: u64,
}

struct Sender {
    key: LessSafeKey,
    /// The largest counter; `seen` has which of those before it were seen.
    newest: u64,
    seen: [u64; (WINDOW / 64) as usize],
    /// The opener's count of frames when this sender was last heard.
    heard: u64,
}

/// A frame that has opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The sending node.
    pub node: i64,
    /// The decrypted content.
    pub words: Vec<u8>,
    /// Whether the frame came for the first time and in time. If not, only numbered events may be taken from it.
    pub is_fresh: bool,
}

/// Why a frame was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// This node has made it.
    Own,
    /// It was not made by a node with the secret, or not for this channel and history.
    Foreign,
}

impl Sealer {
    /// A sealer for one life of a node; `life` is a random number that no other life has.
    pub(crate) fn new(secret: Vec<u8>, node: i64, life: [u8; 8]) -> Self {
        let mut sender = [0; 16];
        sender[..8].copy_from_slice(&node.to_be_bytes());
        sender[8..].copy_from_slice(&life);
        Self { sender, secret, epoch: String::new(), key: None, counter: 0 }
    }

    /// Seals a frame; `None` if it cannot be sealed.
    pub(crate) fn seal(&mut self, epoch: &str, channel: &str, words: &[u8], now: Millis) -> Option<Vec<u8>> {
        if self.key.is_none() || self.epoch != epoch {
            epoch.clone_into(&mut self.epoch);
            self.key = key(&self.secret, epoch, &self.sender);
        }
        self.counter += 1;
        let mut frame = Vec::with_capacity(HEADER + words.len() + AES_256_GCM.tag_len());
        frame.push(VERSION);
        frame.extend_from_slice(&self.sender);
        frame.extend_from_slice(&self.counter.to_be_bytes());
        frame.extend_from_slice(&now.0.to_be_bytes());
        let about = about(&frame, channel);
        frame.extend_from_slice(words);
        let (_, words) = frame.split_at_mut_checked(HEADER)?;
        let tag = self.key.as_ref()?.seal_in_place_separate_tag(nonce(self.counter), about, words).ok()?;
        frame.extend_from_slice(tag.as_ref());
        Some(frame)
    }
}

impl Opener {
    pub(crate) fn new(secrets: Secrets, epoch: String, node: i64) -> Self {
        Self { secrets, epoch, node, senders: HashMap::new(), heard: 0 }
    }

    /// Opens a frame. One that does not open costs the derivation of a key, and changes no state.
    pub(crate) fn open(&mut self, channel: &str, frame: &[u8], now: Millis) -> Result<Opened, Sealed> {
        let (header, words) = frame.split_at_checked(HEADER).ok_or(Sealed::Foreign)?;
        if header.first() != Some(&VERSION) {
            return Err(Sealed::Foreign);
        }
        let sender: [u8; 16] = array(header, 1).ok_or(Sealed::Foreign)?;
        let node = i64::from_be_bytes(array(header, 1).ok_or(Sealed::Foreign)?);
        if node == self.node {
            return Err(Sealed::Own);
        }
        let counter = u64::from_be_bytes(array(header, COUNTER).ok_or(Sealed::Foreign)?);
        let at = i64::from_be_bytes(array(header, TIME).ok_or(Sealed::Foreign)?);
        let known = self.senders.get(&sender).and_then(|known| open_with(&known.key, header, channel, counter, words));
        let words = match known {
            Some(words) => words,
            None => self.meet(sender, header, channel, counter, words).ok_or(Sealed::Foreign)?,
        };
        self.heard += 1;
        let heard = self.heard;
        let is_new = self.senders.get_mut(&sender).is_some_and(|sender| {
            sender.heard = heard;
            sender.note(counter)
        });
        let is_fresh = is_new && now.0.abs_diff(at) <= u64::try_from(LATE.as_millis()).unwrap_or(u64::MAX);
        Ok(Opened { node, words, is_fresh })
    }

    /// Opens a frame of an unknown sender, or of one that has changed its secret.
    fn meet(&mut self, sender: [u8; 16], header: &[u8], channel: &str, counter: u64, words: &[u8]) -> Option<Vec<u8>> {
        let secrets = std::iter::once(&self.secrets.own).chain(&self.secrets.accepted);
        let (key, words) = secrets.filter_map(|secret| key(secret, &self.epoch, &sender)).find_map(|key| {
            let words = open_with(&key, header, channel, counter, words)?;
            Some((key, words))
        })?;
        if self.senders.len() >= SENDERS
            && let Some(oldest) = self.senders.iter().min_by_key(|(_, one)| one.heard).map(|(name, _)| *name)
        {
            self.senders.remove(&oldest);
        }
        self.senders.insert(sender, Sender { key, newest: 0, seen: [0; (WINDOW / 64) as usize], heard: 0 });
        Some(words)
    }
}

impl Sender {
    /// Records a counter; false if it was seen before, or is too old to tell.
    fn note(&mut self, counter: u64) -> bool {
        if counter > self.newest {
            let skipped = counter - self.newest;
            for other in self.newest + 1..=self.newest + skipped.min(WINDOW) {
                self.set(other, false);
            }
            self.newest = counter;
        } else if self.newest - counter >= WINDOW || self.has(counter) {
            return false;
        }
        self.set(counter, true);
        true
    }

    fn has(&self, counter: u64) -> bool {
        let (word, bit) = place(counter);
        self.seen.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn set(&mut self, counter: u64, seen: bool) {
        let (word, bit) = place(counter);
        if let Some(bits) = self.seen.get_mut(word) {
            *bits = if seen { *bits | bit } else { *bits & !bit };
        }
    }
}

/// The word and the bit that stand for a counter.
fn place(counter: u64) -> (usize, u64) {
    let at = counter % WINDOW;
    (usize::try_from(at / 64).unwrap_or(0), 1 << (at % 64))
}

/// A fingerprint of a secret: equal for equal secrets; the secret cannot be derived from it.
#[must_use]
pub fn fingerprint(secret: &[u8], about: &[&[u8]]) -> String {
    let root = Salt::new(HKDF_SHA256, b"palabre: what must be alike on all nodes").extract(secret);
    let mut print = [0; 8];
    let filled = root.expand(about, HKDF_SHA256).and_then(|print_of| {
        let mut whole = [0; 32];
        print_of.fill(&mut whole)?;
        print.copy_from_slice(&whole[..8]);
        Ok(())
    });
    // Expanding so few bytes cannot fail. If it did, all fingerprints would be equal, which does no other harm.
    if filled.is_err() {
        tracing::warn!("a fingerprint cannot be made");
    }
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a sender.
fn key(secret: &[u8], epoch: &str, sender: &[u8]) -> Option<LessSafeKey> {
    let root = Salt::new(HKDF_SHA256, b"palabre: what nodes tell each other").extract(secret);
    let info = [epoch.as_bytes(), sender];
    let key = root.expand(&info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(key)))
}

fn open_with(key: &LessSafeKey, header: &[u8], channel: &str, counter: u64, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut words = sealed.to_vec();
    let length = key.open_in_place(nonce(counter), about(header, channel), &mut words).ok()?.len();
    words.truncate(length);
    Some(words)
}

/// The additional authenticated data: not encrypted, but protected against changes.
fn about(header: &[u8], channel: &str) -> Aad<Vec<u8>> {
    Aad::from([header, channel.as_bytes()].concat())
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn array<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..from + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    fn secrets(own: &str, accepted: Option<&str>) -> Secrets {
        Secrets { own: own.into(), accepted: accepted.map(Into::into) }
    }

    fn sealer(secret: &str) -> Sealer {
        Sealer::new(secret.into(), 1, [7; 8])
    }

    fn opener() -> Opener {
        Opener::new(secrets("secret", None), "epoch".into(), 2)
    }

    fn opened(opener: &mut Opener, frame: &[u8]) -> Option<(String, bool)> {
        let opened = opener.open("c:1", frame, NOW).ok()?;
        assert_eq!(opened.node, 1);
        Some((String::from_utf8(opened.words).expect("text"), opened.is_fresh))
    }

    #[test]
    fn a_frame_is_read_by_nodes_with_the_secret_and_shows_nothing_to_others() {
        let frame = sealer("secret").seal("epoch", "c:1", b"hello there", NOW).expect("a frame");
        assert!(!frame.windows(5).any(|part| part == b"hello"));
        assert_eq!(opened(&mut opener(), &frame), Some(("hello there".into(), true)));
        let own = Opener::new(secrets("secret", None), "epoch".into(), 1).open("c:1", &frame, NOW);
        assert_eq!(own, Err(Sealed::Own));
    }

    #[test]
    fn a_frame_that_was_forged_altered_or_moved_does_not_open() {
        let frame = sealer("secret").seal("epoch", "c:1", b"hello", NOW).expect("a frame");
        let mut opener = opener();
        for at in 0..frame.len() {
            let mut altered = frame.clone();
            altered[at] ^= 1;
            assert_eq!(opened(&mut opener, &altered), None, "byte {at}");
        }
        for length in 0..frame.len() {
            assert_eq!(opened(&mut opener, &frame[..length]), None, "{length} bytes");
        }
        assert_eq!(opener.open("c:2", &frame, NOW), Err(Sealed::Foreign));
        let other = sealer("another").seal("epoch", "c:1", b"hello", NOW).expect("a frame");
        assert_eq!(opened(&mut opener, &other), None);
        let before = sealer("secret").seal("epoch before", "c:1", b"hello", NOW).expect("a frame");
        assert_eq!(opened(&mut opener, &before), None);
        assert_eq!(opened(&mut opener, br#"0000000000000001[{"event":{"n":9}}]"#), None);
        assert!(opener.senders.is_empty(), "they leave nothing behind");
        assert_eq!(opened(&mut opener, &frame), Some(("hello".into(), true)));
    }

    #[test]
    fn a_frame_that_is_played_again_is_not_fresh() {
        let (mut sealer, mut opener) = (sealer("secret"), opener());
        let frames: Vec<Vec<u8>> =
            (0..3_000).map(|_| sealer.seal("epoch", "c:1", b"x", NOW).expect("a frame")).collect();
        let mut is_fresh = |at: usize| opened(&mut opener, &frames[at]).expect("it opens").1;
        assert!(is_fresh(1) && is_fresh(0), "out of order, but for the first time");
        assert!(!is_fresh(0) && !is_fresh(1));
        assert!(is_fresh(2_999));
        assert!(!is_fresh(2_999) && !is_fresh(1_500), "too old to know");
        assert!(is_fresh(2_500) && !is_fresh(2_500));
    }

    #[test]
    fn a_frame_that_was_held_back_is_not_fresh() {
        let late = Millis(NOW.0 + 11_000);
        let frame = sealer("secret").seal("epoch", "c:1", b"x", NOW).expect("a frame");
        assert!(!opener().open("c:1", &frame, late).expect("it opens").is_fresh);
        let ahead = Millis(NOW.0 - 11_000);
        assert!(!opener().open("c:1", &frame, ahead).expect("it opens").is_fresh);
    }

    #[test]
    fn while_the_secret_is_changed_both_are_accepted() {
        let mut opener = Opener::new(secrets("new", Some("old")), "epoch".into(), 2);
        for secret in ["old", "new"] {
            let frame = sealer(secret).seal("epoch", "c:1", b"x", NOW).expect("a frame");
            assert!(opened(&mut opener, &frame).is_some(), "{secret}");
        }
        let frame = sealer("older").seal("epoch", "c:1", b"x", NOW).expect("a frame");
        assert_eq!(opened(&mut opener, &frame), None);
    }

    #[test]
    fn senders_that_are_remembered_are_bounded() {
        let mut opener = opener();
        for life in 0..200_u64 {
            let mut sealer = Sealer::new(b"secret".to_vec(), 1, life.to_be_bytes());
            let frame = sealer.seal("epoch", "c:1", b"x", NOW).expect("a frame");
            assert!(opened(&mut opener, &frame).is_some());
        }
        assert_eq!(opener.senders.len(), SENDERS);
    }
}
