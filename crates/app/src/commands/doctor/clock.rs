//! Whether this machine's clock agrees with another's.

use super::finding::Finding;

const CHECK: &str = "clock";
/// Milliseconds that clocks may differ.
const NEAR: u64 = 2_000;
/// Milliseconds from which on tokens of one machine are refused by the other.
const FAR: u64 = 60_000;

/// Compares the clocks; `ours` and `theirs` are milliseconds since 1970, taken at one moment.
pub(super) fn compare(whose: &str, ours: i64, theirs: i64) -> Finding {
    let seconds = (ours - theirs) as f64 / 1_000.0;
    let says = match ours.abs_diff(theirs) {
        0..=NEAR => return Finding::good(CHECK, format!("agrees with {whose} (±{} s)", NEAR / 1_000)),
        _ if seconds > 0.0 => format!("is {seconds:.1} s ahead of {whose}"),
        _ => format!("is {:.1} s behind {whose}", -seconds),
    };
    let cure = "let NTP keep the time on both machines: timedatectl set-ntp true";
    if ours.abs_diff(theirs) >= FAR {
        return Finding::problem(CHECK, format!("{says}: fresh tokens may be taken for ended or for not begun"), cure);
    }
    Finding::warning(CHECK, says, cure)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, compare};

    #[test]
    fn two_seconds_are_near_and_a_minute_is_far() {
        for (ours, level) in [
            (0, Level::Good),
            (2_000, Level::Good),
            (-2_000, Level::Good),
            (2_001, Level::Warning),
            (-59_999, Level::Warning),
            (60_000, Level::Problem),
            (-60_000, Level::Problem),
        ] {
            assert_eq!(compare("it", 1_000_000 + ours, 1_000_000).level, level, "{ours}");
        }
        assert!(compare("it", 0, 5_000).says.contains("5.0 s behind"));
        assert!(compare("it", 5_000, 0).says.contains("5.0 s ahead"));
    }
}
