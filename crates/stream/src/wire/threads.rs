//! The written form between nodes of a thread's summary.

use chat::{Millis, Number, UserId, threads::Summary};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct SummaryForm {
    root: i64,
    replies: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by: Vec<i64>,
    rev: i64,
}

pub(super) fn summary_form(summary: &Summary) -> SummaryForm {
    SummaryForm {
        root: summary.root.0,
        replies: summary.replies,
        last: summary.last_seq.map(|seq| seq.0),
        at: summary.last_at.map(|at| at.0),
        by: summary.participants.iter().map(|user| user.0).collect(),
        rev: summary.rev.0,
    }
}

pub(super) fn summary(form: SummaryForm) -> Summary {
    Summary {
        root: Number(form.root),
        replies: form.replies,
        last_seq: form.last.map(Number),
        last_at: form.at.map(Millis),
        participants: form.by.into_iter().map(UserId).collect(),
        rev: Number(form.rev),
    }
}
