//! Numbers of a host application under which old endpoints knew somebody else, before accounts had identities.

use store::{doctor::squatted_numbers, identities::Squatted};

use super::finding::Finding;

const CHECK: &str = "numbers";
/// Numbers that are looked at.
const MOST: i64 = 1_000;
/// Of these so many are told.
const TOLD: usize = 10;

/// The findings.
pub(super) async fn examine(url: &str) -> Vec<Finding> {
    match squatted_numbers(url, MOST).await {
        Ok(found) => judge(&found),
        Err(error) => {
            let says = format!("what hosts call people cannot be looked through: {error}");
            vec![Finding::warning(CHECK, says, "see the lines above")]
        }
    }
}

fn judge(found: &[Squatted]) -> Vec<Finding> {
    let (known, possible): (Vec<&Squatted>, Vec<&Squatted>) = found.iter().partition(|one| one.meant.is_some());
    let mut findings = Vec::new();
    if !known.is_empty() {
        let lines = known.iter().map(|one| {
            let meant = one.meant.unwrap_or_default();
            format!(
                "number {} of {} is account {meant}, and was taken for {} (account {})",
                one.subject, one.issuer, one.username, one.user_id
            )
        });
        findings.push(Finding::warning(
            CHECK,
            format!("an earlier version took people of a host for others: {}", shortened(lines)),
            "what was written to these numbers before has reached the accounts in parentheses: look at their direct \
             conversations with people of the host (docs/features/hosts.md)",
        ));
    }
    if !possible.is_empty() {
        let lines =
            possible.iter().map(|one| format!("{} was {} (account {})", one.subject, one.username, one.user_id));
        findings.push(Finding::note(
            CHECK,
            format!(
                "an earlier version showed accounts under numbers that a host may have given to people who have not \
                 come: {}",
                shortened(lines)
            ),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good(CHECK, "no number of a host was ever taken for somebody else's"));
    }
    findings
}

/// The first lines, and how many more there are.
fn shortened(lines: impl ExactSizeIterator<Item = String>) -> String {
    let more = lines.len().saturating_sub(TOLD);
    let mut told: Vec<String> = lines.take(TOLD).collect();
    told.extend((more > 0).then(|| format!("and {more} more")));
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, *};

    fn squatted(subject: &str, user_id: i64, meant: Option<i64>) -> Squatted {
        Squatted { issuer: "default".into(), subject: subject.into(), user_id, username: "mallory".into(), meant }
    }

    #[test]
    fn numbers_that_were_somebody_elses_are_told_and_those_that_may_have_been_are_noted() {
        let levels = |found: &[Squatted]| judge(found).into_iter().map(|one| (one.level, one.says)).collect::<Vec<_>>();
        assert_eq!(levels(&[]).first().map(|(level, _)| *level), Some(Level::Good));
        let both = levels(&[squatted("2", 2, Some(51)), squatted("3", 3, None)]);
        assert_eq!(both.iter().map(|(level, _)| *level).collect::<Vec<_>>(), [Level::Warning, Level::Note]);
        assert!(
            both[0].1.contains("number 2 of default is account 51, and was taken for mallory (account 2)"),
            "{both:?}"
        );
        assert!(both[1].1.contains("3 was mallory (account 3)"), "{both:?}");
        let many: Vec<Squatted> = (1..=25).map(|id| squatted(&id.to_string(), id, None)).collect();
        assert!(levels(&many)[0].1.ends_with("and 15 more"));
    }
}
