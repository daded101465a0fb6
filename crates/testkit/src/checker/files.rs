//! F1 to F4: files are whole, are there when their message is, are read by nobody who may not, and go on after trouble.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Content, Evidence, Rule, Violation};

/// The hash of a file's bytes.
#[must_use]
pub fn file_content(bytes: &[u8]) -> Content {
    // Eight bytes at a time: some files are large, and this program is not optimised.
    let next = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(29);
    let words = bytes.chunks(8).map(|some| some.iter().fold(1, |word: u64, byte| (word << 8) | u64::from(*byte)));
    Content(words.fold(0xcbf2_9ce4_8422_2325, next))
}

/// Something that somebody did with a file, or saw of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum FileStep {
    /// It was uploaded, and the server has answered so.
    Uploaded {
        /// The file.
        file: String,
        /// Its bytes.
        content: Content,
    },
    /// A message that holds it was acknowledged.
    Sent {
        /// The file.
        file: String,
    },
    /// A message that was to hold it was refused.
    Refused {
        /// The file.
        file: String,
        /// The status of the refusal.
        status: u16,
    },
    /// It was read.
    Read {
        /// The file.
        file: String,
        /// Whether the reader may.
        may: bool,
        /// The outcome.
        read: FileRead,
    },
    /// The thumbnail of a picture was read by somebody who may.
    Thumbnail {
        /// The picture.
        file: String,
        /// The outcome.
        read: FileRead,
    },
    /// Something could not be done now.
    Later {
        /// The act, in words.
        what: &'static str,
        /// The status of the refusal.
        status: u16,
        /// Whether it says when to try again.
        has_hint: bool,
    },
    /// When all trouble was over, something was tried again and again, and did not work.
    Stuck {
        /// The act, in words.
        what: &'static str,
    },
    /// When all trouble was over, everything worked.
    WentOn,
}

/// The outcome of reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRead {
    /// These bytes came, to their end.
    Whole(Content),
    /// There is none, or the reader may not.
    Missing,
    /// The server knows it, and does not have its bytes.
    Broken,
    /// No answer came, or not to its end, or the server could not look now.
    Unknown,
}

/// Everything that one client did with files.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Carried {
    /// The client's name in reports.
    pub client: String,
    /// The steps, in order.
    pub steps: Vec<FileStep>,
}

/// A file that the database knows at the end.
#[derive(Clone, Debug, Serialize)]
pub struct KeptFile {
    /// Its id.
    pub file: String,
    /// Whether all its bytes are there, and no others.
    pub is_whole: bool,
}

/// Judges the rules, and counts how often each was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let mut judge = Judge::default();
    evidence.carried.iter().for_each(|carried| judge.look_at(carried));
    for kept in &evidence.files {
        judge.apply(Rule::F1, !kept.is_whole, || format!("the database knows {}, which is not whole", kept.file));
    }
    if let Some(left) = evidence.orphans {
        judge.apply(Rule::F4, left > 0, || format!("{left} blobs that no row knows are there after two sweeps"));
    }
    (judge.violations, judge.counts.into_iter().collect())
}

#[derive(Default)]
struct Judge {
    violations: Vec<Violation>,
    counts: BTreeMap<Rule, u64>,
}

impl Judge {
    fn apply(&mut self, rule: Rule, is_broken: bool, detail: impl FnOnce() -> String) {
        *self.counts.entry(rule).or_default() += 1;
        if is_broken {
            self.violations.push(Violation { rule, detail: detail() });
        }
    }

    fn look_at(&mut self, carried: &Carried) {
        let (mut known, mut sent) = (BTreeMap::new(), BTreeSet::new());
        let client = &carried.client;
        for step in &carried.steps {
            match step {
                FileStep::Uploaded { file, content } => {
                    known.insert(file, *content);
                }
                FileStep::Sent { file } => {
                    sent.insert(file);
                }
                FileStep::Refused { file, status } => {
                    self.apply(Rule::F2, true, || {
                        format!("{client} may not send {file}, which it has uploaded: {status}")
                    });
                }
                FileStep::Read { file, may: false, read } => {
                    let is_leak = !matches!(read, FileRead::Missing | FileRead::Unknown);
                    self.apply(Rule::F3, is_leak, || format!("{file} of {client} was shown to a stranger: {read:?}"));
                }
                FileStep::Read { read: FileRead::Unknown, .. } => {}
                FileStep::Read { file, read: FileRead::Whole(content), .. } => {
                    let is_other = known.get(file).is_some_and(|uploaded| uploaded != content);
                    self.apply(Rule::F1, is_other, || format!("{client} was given other bytes of {file} than it sent"));
                }
                FileStep::Thumbnail { file, read } => {
                    let is_gone = matches!(read, FileRead::Missing | FileRead::Broken);
                    self.apply(Rule::F1, is_gone, || format!("{client} has no thumbnail of {file}: {read:?}"));
                }
                FileStep::Later { what, status, has_hint } => {
                    let is_clear = matches!(status, 503 | 504 | 507) && *has_hint;
                    self.apply(Rule::F4, !is_clear, || {
                        format!("{client}: {what} was refused with {status}, with when to try again: {has_hint}")
                    });
                }
                FileStep::Stuck { what } => self.apply(Rule::F4, true, || format!("{client}: {what} works no more")),
                FileStep::WentOn => self.apply(Rule::F4, false, String::new),
                FileStep::Read { file, read, .. } => {
                    let rule = if sent.contains(file) { Rule::F2 } else { Rule::F1 };
                    self.apply(rule, true, || format!("{client} cannot read {file}: {read:?}"));
                }
            }
        }
        *self.counts.entry(Rule::F2).or_default() += sent.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The promises that are broken by these steps, and a file that the database knows.
    fn broken(steps: Vec<FileStep>, is_whole: bool) -> Vec<Rule> {
        let carried = vec![Carried { client: "ann".into(), steps }];
        let files = vec![KeptFile { file: "a".into(), is_whole }];
        let (violations, counts) = judge(&Evidence { carried, files, ..Evidence::default() });
        assert!(counts.iter().any(|(rule, count)| *rule == Rule::F1 && *count > 0), "{counts:?}");
        violations.into_iter().map(|violation| violation.rule).collect()
    }

    fn uploaded() -> FileStep {
        FileStep::Uploaded { file: "a".into(), content: file_content(b"whole") }
    }

    fn sent() -> FileStep {
        FileStep::Sent { file: "a".into() }
    }

    fn read(may: bool, read: FileRead) -> FileStep {
        FileStep::Read { file: "a".into(), may, read }
    }

    #[test]
    fn each_rule_about_files_is_broken_by_what_breaks_it_and_by_nothing_else() {
        let whole = FileRead::Whole(file_content(b"whole"));
        let clean = vec![
            uploaded(),
            read(true, whole),
            read(false, FileRead::Missing),
            sent(),
            read(true, FileRead::Unknown),
            read(true, whole),
        ];
        assert_eq!(broken(clean, true), []);
        assert_eq!(broken(vec![uploaded(), sent()], false), [Rule::F1], "the database knows more than there is");
        let half = FileRead::Whole(file_content(b"wh"));
        assert_eq!(broken(vec![uploaded(), read(true, half)], true), [Rule::F1], "half of it");
        assert_eq!(broken(vec![uploaded(), read(true, FileRead::Broken)], true), [Rule::F1], "before it is sent");
        for gone in [FileRead::Missing, FileRead::Broken] {
            assert_eq!(broken(vec![uploaded(), sent(), read(true, gone)], true), [Rule::F2], "{gone:?}");
        }
        let later = |status, has_hint| FileStep::Later { what: "an upload", status, has_hint };
        assert_eq!(broken(vec![later(503, true), FileStep::WentOn], true), []);
        for unclear in [later(500, true), later(503, false), FileStep::Stuck { what: "an upload" }] {
            assert_eq!(broken(vec![unclear.clone()], true), [Rule::F4], "{unclear:?}");
        }
        let bare = FileStep::Thumbnail { file: "a".into(), read: FileRead::Broken };
        assert_eq!(broken(vec![uploaded(), bare], true), [Rule::F1]);
        let refused = FileStep::Refused { file: "a".into(), status: 422 };
        assert_eq!(broken(vec![uploaded(), refused], true), [Rule::F2]);
        for shown in [whole, FileRead::Broken] {
            assert_eq!(broken(vec![uploaded(), read(false, shown)], true), [Rule::F3], "{shown:?}");
        }
    }
}
