//! The same statements for SQLite, with a batch's values as parameters of their own.
//!
//! SQLite writes each object of a JSON text anew for each field that is asked of it, and reads it again: for the send of
//! one message that was a quarter of all that the server did. So the statements of a batch are made over here: in the
//! place of the JSON text stand rows of parameters, for 1, 2, 4 … 128 sends, so that few statements are prepared. What
//! is not bound of them is NULL, and belongs to no send.

use std::{collections::HashMap, sync::LazyLock};

use sqlx::{AssertSqlSafe, Sqlite, pool::PoolConnection, query::Query, sqlite::SqliteArguments};

use super::{ADVANCE, Asked, CHECK, CHECKED, Checked, Head, INSERT, Row};
use crate::{Error, Result, sql::unpack};

/// The values of one send, in the order in which they are bound: with its place, by which all texts call it `j.key`.
const ASKED: &[&str] = &["c", "u", "k", "p"];
const ROW: &[&str] = &["c", "s", "u", "k", "h", "y", "t", "p", "a", "r", "x", "f"];
const HEAD: &[&str] = &["c", "h", "a"];
/// As many sends as one statement takes at most; longer runs take several.
const MOST: usize = 128;
/// One text for each power of two up to that.
type Texts = [String; 8];

static CHECKS: LazyLock<Texts> = LazyLock::new(|| {
    // As `sql_many` does it: one text for all rows.
    let text = format!("SELECT json_group_array(json_array({CHECKED})) FROM ({CHECK} WHERE j.key IS NOT NULL)");
    texts(&text, ASKED)
});
/// A row that cannot be stored ends the whole transaction. That is what we would do anyway, and SQLite need not keep a
/// journal of the statement to undo it alone. The rows come in the order in which they stand.
static INSERTS: LazyLock<Texts> = LazyLock::new(|| {
    let text = INSERT.replacen("INSERT", "INSERT OR ROLLBACK", 1);
    texts(&text.replacen("ORDER BY j.key", "WHERE j.key IS NOT NULL", 1), ROW)
});
static ADVANCES: LazyLock<Texts> = LazyLock::new(|| texts(ADVANCE, HEAD));

/// A statement over objects of a JSON text, made over to rows of these values.
fn texts(text: &str, fields: &[&str]) -> Texts {
    let mut text = text.replace("CAST(j.key AS BIGINT)", "j.key").replace("j.key", "j.column1");
    for (place, field) in fields.iter().enumerate() {
        let (value, column) = (format!("j.value ->> '{field}'"), format!("j.column{}", place + 2));
        text = text.replace(&format!("CAST({value} AS BIGINT)"), &column).replace(&value, &column);
    }
    let row = format!("({}?)", "?, ".repeat(fields.len()));
    std::array::from_fn(|power| {
        let rows = vec![row.as_str(); 1 << power].join(", ");
        text.replacen("json_each($1)", &format!("(VALUES {rows})"), 1)
    })
}

/// The text for so many sends, at most [`MOST`].
fn fitting(texts: &'static Texts, count: usize) -> &'static str {
    let power = count.next_power_of_two().ilog2() as usize;
    texts.get(power).map_or("", String::as_str)
}

type Bound = Query<'static, Sqlite, SqliteArguments>;

/// The result of [`CHECK`] for these sends; nothing if there is something in it that cannot be read at once.
pub(super) async fn check(conn: &mut PoolConnection<Sqlite>, asked: &[Asked<'_>]) -> Result<Option<Vec<Checked>>> {
    let mut rows = Vec::with_capacity(asked.len());
    for (part, some) in asked.chunks(MOST).enumerate() {
        let mut query = sqlx::query_scalar::<_, String>(AssertSqlSafe(fitting(&CHECKS, some.len())));
        for (place, Asked { c, u, k, p }) in (part * MOST..).zip(some) {
            query = query.bind(number(place)).bind(*c).bind(*u).bind(k.map(str::to_owned)).bind(*p);
        }
        match unpack::<Checked>(&query.fetch_one(&mut **conn).await?) {
            Ok(some) => rows.extend(some),
            Err(Error::Other(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(rows))
}

/// Stores the rows and the conversations' heads; the rows' ids by conversation and seq.
pub(super) async fn insert(
    conn: &mut PoolConnection<Sqlite>,
    rows: &[Row<'_>],
    heads: &[Head],
) -> Result<HashMap<(i64, i64), i64>> {
    let mut ids = HashMap::with_capacity(rows.len());
    for some in rows.chunks(MOST) {
        let query = some.iter().enumerate().fold(begin(&INSERTS, some.len()), |query, (place, row)| {
            let Row { c, s, u, k, h, y, t, p, a, f, r, x } = row;
            let query = query.bind(number(place)).bind(*c).bind(*s).bind(*u).bind(k.map(str::to_owned)).bind(*h);
            let query = query.bind(*y).bind((*t).to_owned()).bind(*p).bind(*a).bind(*r).bind(*x);
            query.bind(f.map(number))
        });
        // SQLite gives ascending ids in the order of the rows, and has one writer: the last id tells them all, without
        // a row for each.
        let last = query.execute(&mut **conn).await?.last_insert_rowid();
        ids.extend((1..=last).rev().zip(some.iter().rev()).map(|(id, row)| ((row.c, row.s), id)));
    }
    for some in heads.chunks(MOST) {
        let query = some.iter().enumerate().fold(begin(&ADVANCES, some.len()), |query, (place, Head { c, h, a })| {
            query.bind(number(place)).bind(*c).bind(*h).bind(*a)
        });
        query.execute(&mut **conn).await?;
    }
    Ok(ids)
}

fn begin(texts: &'static Texts, count: usize) -> Bound {
    sqlx::query(AssertSqlSafe(fitting(texts, count)))
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_json_is_left_in_the_statements_and_all_of_their_values_are_bound() {
        for (texts, fields) in [(&CHECKS, ASKED), (&INSERTS, ROW), (&ADVANCES, HEAD)] {
            for (power, text) in texts.iter().enumerate() {
                let left = ["->>", "j.value", "json_each", "j.key", "$1"].map(|what| text.contains(what));
                assert_eq!(left, [false; 5], "{text}");
                assert_eq!(text.matches('?').count(), (fields.len() + 1) << power, "{text}");
                let last = format!("j.column{}", fields.len() + 1);
                assert!(text.contains(&last), "{text}");
            }
        }
    }

    #[test]
    fn a_batch_of_any_size_finds_a_text_with_room_for_it() {
        for count in 1..=MOST {
            let room = fitting(&ADVANCES, count).matches("(?").count();
            assert!((count..2 * count).contains(&room), "{count} in {room}");
        }
    }
}
