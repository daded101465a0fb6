//! Times on the wire: RFC 3339 in UTC with milliseconds, as every dialect writes them.

use chat::Millis;
use serde::{Serialize, Serializer};

/// Bytes of `YYYY-MM-DDTHH:MM:SS.mmmZ`.
const LENGTH: usize = 24;
/// The last time whose year has four digits.
const LAST: i64 = 253_402_300_799_999;

/// A time as `2025-01-01T12:00:00.000Z`. Formatted by hand because every message carries one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Millis);

impl Time {
    /// The text's bytes, all ASCII. Times outside of the years 1970 to 9999 become the nearest time within.
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

/// Parsing.
impl Time {
    /// Parses RFC 3339 with `T`, seconds, and `Z` or an offset; `None` if it is invalid or before 1970. Digits beyond
    /// the millisecond are dropped.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let (of_day, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
        let (fraction, zone) = match rest.strip_prefix('.') {
            None => ("", rest),
            Some(rest) => rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?,
        };
        if rest.starts_with('.') && !(1..=9).contains(&fraction.len()) {
            return None;
        }
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(of_day, ':', [2, 2, 2])?;
        let thousandths: String = format!("{fraction:0<3}").chars().take(3).collect();
        let days = days_of(year, month, day)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - ahead_of_utc(zone)? * 60;
        let ms = seconds * 1_000 + thousandths.parse::<i64>().ok()?;
        (0..=LAST).contains(&ms).then_some(Self(Millis(ms)))
    }
}

/// Numbers of fixed lengths with a separator between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let good = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        *number = part.parse().ok().filter(|_| good)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The offset of a time zone from UTC, in minutes.
fn ahead_of_utc(zone: &str) -> Option<i64> {
    let (sign, distance) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", distance) => (1, distance),
        ("-", distance) => (-1, distance),
        _ => return None,
    };
    let [hours, minutes] = numbers(distance, ':', [2, 2])?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// The number of days since 1970-01-01, if the date exists: the algorithm `days_from_civil` of Howard Hinnant.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (shifted.0.div_euclid(400), shifted.0.rem_euclid(400));
    let day_of_year = (153 * shifted.1 + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    // A date that does not exist becomes another one when it is converted back.
    ((1..=12).contains(&month) && civil(days) == (year, month, day)).then_some(days)
}

/// Year, month and day of a number of days since 1970-01-01: the algorithm `civil_from_days` of Howard Hinnant.
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
        // Every 13 hours and a bit through two centuries, including leap years and their exceptions.
        for step in 0..140_000_i64 {
            let ms = step * 47_000_003;
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(text(ms), format!("{theirs:.3}"));
        }
    }

    #[test]
    fn moments_are_read_as_another_library_reads_them() {
        for step in 0..140_000_i64 {
            let moment = Millis(step * 47_000_003);
            assert_eq!(Time::read(&text(moment.0)), Some(Time(moment)));
        }
        let read = |text: &str| Time::read(text).map(|time| time.0.0);
        for good in [
            "2024-02-29T23:59:59Z",
            "2025-01-01T12:00:00.5+02:00",
            "2025-12-31T23:59:59.999999999-11:30",
            "1970-01-01T00:00:00.001Z",
            "2000-02-29T00:00:00+00:00",
        ] {
            let theirs: jiff::Timestamp = good.parse().unwrap();
            assert_eq!(read(good), Some(theirs.as_millisecond()), "{good}");
        }
        assert_eq!(read("9999-12-31T23:59:59.999Z"), Some(LAST));
    }

    #[test]
    fn a_text_that_is_no_time_is_not_parsed() {
        for bad in [
            "",
            "2025",
            "2025-01-01",
            "2025-01-01T12:00:00",
            "2025-01-01 12:00:00Z",
            "2025-01-01T12:00Z",
            "2025-02-29T12:00:00Z",
            "2025-13-01T12:00:00Z",
            "2025-00-10T12:00:00Z",
            "2025-01-00T12:00:00Z",
            "2025-01-32T12:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T12:60:00Z",
            "2025-01-01T12:00:60Z",
            "2025-01-01T12:00:00.Z",
            "2025-01-01T12:00:00.1234567890Z",
            "2025-01-01T12:00:00.5",
            "+025-01-01T12:00:00Z",
            "2025-01-01T12:00:00+2:00",
            "2025-01-01T12:00:00+24:00",
            "2025-01-01T12:00:00ZZ",
            "2025-01-01T12:00:00é",
            "1969-12-31T23:59:59Z",
            "2025-01-0éT12:00:00Z",
            "-2025-01-01T12:00:00Z",
            "2025-1-001T12:00:00Z",
        ] {
            assert_eq!(Time::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_beyond_four_digits_stay_readable() {
        assert_eq!(text(-1), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(LAST), "9999-12-31T23:59:59.999Z");
        assert_eq!(text(i64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
