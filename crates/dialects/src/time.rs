//! Moments on the wire: RFC 3339 in UTC with milliseconds, as every dialect writes them.

use chat::Millis;
use serde::{Serialize, Serializer};

/// Bytes of `YYYY-MM-DDTHH:MM:SS.mmmZ`.
const LENGTH: usize = 24;
/// The last moment that has a year of four digits.
const LAST: i64 = 253_402_300_799_999;

/// A moment as `2025-01-01T12:00:00.000Z`. Written by hand because every message carries one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Millis);

impl Time {
    /// The text's bytes, all of them ASCII. Moments outside of the years 1970 to 9999 are moved to the nearest one.
    fn write(self) -> [u8; LENGTH] {
        let ms = self.0.0.clamp(0, LAST);
        let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut value: i64| {
            for place in (at..at + width).rev() {
                text[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, of_day / 3_600_000);
        put(14, 2, of_day / 60_000 % 60);
        put(17, 2, of_day / 1_000 % 60);
        put(20, 3, of_day % 1_000);
        text
    }
}

/// Year, month and day of a day counted from 1970-01-01: the algorithm `civil_from_days` of Howard Hinnant.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.write().iter().try_for_each(|byte| std::fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.write();
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ms: i64) -> String {
        String::from_utf8(Time(Millis(ms)).write().to_vec()).unwrap()
    }

    #[test]
    fn moments_are_written_as_another_library_writes_them() {
        // Every 13 hours and a bit through two centuries, leap years and their exceptions included.
        for step in 0..140_000_i64 {
            let ms = step * 47_000_003;
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(text(ms), format!("{theirs:.3}"));
        }
    }

    #[test]
    fn moments_beyond_four_digits_stay_readable() {
        assert_eq!(text(-1), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(LAST), "9999-12-31T23:59:59.999Z");
        assert_eq!(text(i64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
