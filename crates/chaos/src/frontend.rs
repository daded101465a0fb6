//! Parses as much of PostgreSQL's protocol as is needed to see where a client commits.

use std::collections::HashSet;

/// Bytes of a message that are examined: the text of a commit is short.
const LOOKED_AT: usize = 256;

/// The stream from one client to its server.
#[derive(Debug, Default)]
pub struct Frontend {
    started: bool,
    buffer: Vec<u8>,
    /// Bytes of the present message that are not examined and still to come.
    skip: usize,
    /// The names of prepared statements that commit.
    prepared: HashSet<Vec<u8>>,
}

impl Frontend {
    /// Takes bytes of the client; true if a commit is in them.
    pub fn commits(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        loop {
            let skipped = self.skip.min(bytes.len());
            (self.skip, bytes) = (self.skip - skipped, bytes.get(skipped..).unwrap_or_default());
            self.buffer.extend_from_slice(bytes);
            bytes = &[];
            let Some((kind, head, length)) = self.message() else { return found };
            let have = self.buffer.len().min(length);
            if have < length.min(head + LOOKED_AT) {
                return found;
            }
            let message: Vec<u8> = self.buffer.drain(..have).collect();
            self.skip = length - have;
            if kind == 0 {
                // After the request for TLS comes the startup message; its protocol is version 3.
                self.started =
                    message.get(4..8).is_some_and(|version| version == [0, 3, 0, 0] || version == [0, 3, 0, 2]);
            } else {
                found |= self.is_commit(kind, message.get(5..).unwrap_or_default());
            }
            if self.buffer.is_empty() && self.skip == 0 {
                return found;
            }
        }
    }

    /// The first message in the buffer: its kind, the length of its head, and its whole length.
    fn message(&self) -> Option<(u8, usize, usize)> {
        let (kind, head) = if self.started { (*self.buffer.first()?, 5) } else { (0, 4) };
        let length = self.buffer.get(head - 4..head)?.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))?;
        Some((kind, head, usize::try_from(length).ok()?.max(4) + head - 4))
    }

    fn is_commit(&mut self, kind: u8, body: &[u8]) -> bool {
        let mut texts = body.split(|byte| *byte == 0);
        let commit = |text: Option<&[u8]>| text.is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case(b"COMMIT"));
        match kind {
            b'Q' => commit(texts.next()),
            b'P' => {
                let name = texts.next().unwrap_or_default().to_vec();
                if commit(texts.next()) {
                    self.prepared.insert(name)
                } else {
                    self.prepared.remove(&name)
                };
                false
            }
            b'B' => texts.nth(1).is_some_and(|statement| self.prepared.contains(statement)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frontend;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![kind];
        message.extend((body.len() as u32 + 4).to_be_bytes());
        message.extend(body);
        message
    }

    fn start() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 8, 4, 210, 22, 47];
        bytes.extend([0, 0, 0, 20, 0, 3, 0, 0]);
        bytes.extend(b"user\0ann\0\0\0\0");
        bytes
    }

    #[test]
    fn a_commit_is_found_in_every_form_and_however_it_is_cut() {
        let mut simple = start();
        simple.extend(message(b'Q', b"BEGIN\0"));
        let mut prepared = simple.clone();
        let long = [b"INSERT ".as_slice(), &[b'x'; 5_000], b" COMMIT\0"].concat();
        simple.extend(message(b'Q', &long));
        prepared.extend(message(b'P', b"s1\0COMMIT\0\0\0"));
        assert!(!Frontend::default().commits(&simple) && !Frontend::default().commits(&prepared));
        simple.extend(message(b'Q', b"commit\0"));
        prepared.extend(message(b'B', b"\0s1\0\0\0"));
        for bytes in [simple, prepared] {
            assert!(Frontend::default().commits(&bytes));
            for size in [1, 3, 7, 1_000] {
                let mut frontend = Frontend::default();
                assert_eq!(bytes.chunks(size).filter(|chunk| frontend.commits(chunk)).count(), 1, "{size}");
            }
        }
    }
}
