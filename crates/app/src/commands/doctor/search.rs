//! The index for searching: whether it is there, of these rules, whole, near enough, and how large.

use store::search::examined::{Examined, State, examine as look};

use super::finding::Finding;

const CHECK: &str = "search";
/// So many changes are a moment's work.
const NEAR: i64 = 1_000;

pub(super) async fn examine(url: &str) -> Finding {
    match look(url).await {
        Ok(found) => judge(&found),
        Err(error) => {
            let cure = "see what the database says; the index can be made anew at any time: palabre search rebuild";
            Finding::warning(CHECK, format!("the index for searching cannot be looked at: {error}"), cure)
        }
    }
}

fn judge(found: &Examined) -> Finding {
    let size = format!("{:.1} MB, rules {}", found.bytes as f64 / 1e6, found.version);
    let (behind, changes) = (found.status.behind, found.status.changes);
    match &found.state {
        State::Absent => {
            Finding::note(CHECK, "there is no index for searching yet, or it was lost; a running server makes it")
        }
        State::Outdated(of) => Finding::note(
            CHECK,
            format!(
                "the index for searching is of other rules or another history ({of}); the next start makes it anew"
            ),
        ),
        State::Damaged(why) => Finding::warning(
            CHECK,
            format!("the index for searching is damaged: {why}"),
            "it is made anew when it is next used: palabre search rebuild; the messages are not concerned, but look at \
             the disk",
        ),
        State::Good if behind == 0 => Finding::good(CHECK, format!("everything is in the index ({size})")),
        State::Good if changes <= NEAR => {
            Finding::good(CHECK, format!("{changes} changes are not in the index yet ({size})"))
        }
        State::Good => Finding::warning(
            CHECK,
            format!("{changes} changes in {behind} conversations are not in the index yet ({size})"),
            "a running server catches up by itself, some ten thousand and more a second; if the number does not fall, \
             see palabre_follower_lag_seconds and the log",
        ),
    }
}

#[cfg(test)]
mod tests {
    use store::search::Status;

    use super::{super::finding::Level, *};

    fn found(state: State, changes: i64) -> Finding {
        let status = Status { behind: changes.min(1), changes };
        judge(&Examined { state, version: "1".into(), bytes: 1_500_000, status })
    }

    #[test]
    fn only_an_index_that_is_damaged_or_far_behind_is_a_warning() {
        for (state, changes, level) in [
            (State::Good, 0, Level::Good),
            (State::Good, NEAR, Level::Good),
            (State::Good, NEAR + 1, Level::Warning),
            (State::Absent, 0, Level::Note),
            (State::Outdated("0".into()), 0, Level::Note),
            (State::Damaged("no".into()), 0, Level::Warning),
        ] {
            let finding = found(state.clone(), changes);
            assert_eq!(finding.level, level, "{state:?} {changes}: {}", finding.says);
            assert_eq!(finding.cure.is_some(), level == Level::Warning);
        }
        assert!(found(State::Good, 5).says.contains("5 changes") && found(State::Good, 5).says.contains("1.5 MB"));
    }
}
