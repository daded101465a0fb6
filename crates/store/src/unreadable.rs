//! Rows that hold what the program never writes: a damaged byte, another program's word, a hand at the database.
//!
//! Such a row stops nothing but itself. It is left out or, where its number is needed, shown with what can be read of
//! it; it is counted in `palabre_unreadable_rows_total` and named in the log once. `palabre doctor` finds it.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    sync::{LazyLock, Mutex, PoisonError},
};

use sqlx::{ColumnIndex, Decode, FromRow, Type, ValueRef as _};

use crate::{
    Error, Result,
    tables::{self, TABLES},
};

/// Rows that are remembered as named in the log. Beyond it none is named any more; all are counted.
const NAMED: usize = 1_000;

static SEEN: LazyLock<Mutex<HashSet<(&'static str, String)>>> = LazyLock::new(Mutex::default);

/// Counts a row that cannot be read, and names it in the log if that was not done yet.
pub(crate) fn note(table: &'static str, key: impl Display, what: impl Display) {
    metrics::counter!("palabre_unreadable_rows_total", "table" => table).increment(1);
    let key = key.to_string();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() < NAMED && seen.insert((table, key.clone())) {
        tracing::error!(table, key, %what, "a row cannot be read; it is left out, or shown without what is wrong in it");
    }
}

/// The values of the rows that can be read; others are noted.
pub(crate) fn readable<R, T>(rows: Vec<R>, read: impl Fn(R) -> Result<T>) -> Result<Vec<T>> {
    rows.into_iter().filter_map(|row| one(read(row)).transpose()).collect()
}

/// The same of one row.
pub(crate) fn one<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(Error::Unreadable { table, id, what }) => {
            note(table, id, what);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The readable part of a row that cannot be read whole, by the names of its columns.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    numbers: HashMap<String, i64>,
    texts: HashMap<String, String>,
}

impl Rest {
    /// A row of which these numbers can be read.
    #[cfg(test)]
    pub(crate) fn of_numbers(numbers: &[(&str, i64)]) -> Self {
        let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        Self { numbers, ..Self::default() }
    }

    /// The number in this column.
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        self.numbers.get(column).copied()
    }

    /// The text in this column.
    pub(crate) fn text(&self, column: &str) -> Option<String> {
        self.texts.get(column).cloned()
    }
}

/// The value that is made of a row that cannot be read whole: of most none.
pub(crate) trait Salvage: Sized {
    /// The row with what can be read of it, if that is enough.
    fn salvage(rest: &Rest) -> Option<Self>;
}

impl Salvage for (i64, i64) {
    fn salvage(_rest: &Rest) -> Option<Self> {
        None
    }
}

/// A database's row, of which each column can be tried by itself.
pub(crate) trait Columns {
    /// Its readable part.
    fn rest(&self) -> Rest;
}

impl<R> Columns for R
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn rest(&self) -> Rest {
        let mut rest = Rest::default();
        for (at, column) in self.columns().iter().enumerate() {
            // SQLite would read nothing as 0.
            if self.try_get_raw(at).is_ok_and(|value| value.is_null()) {
                continue;
            }
            let name = sqlx::Column::name(column).to_owned();
            if let Ok(number) = self.try_get::<i64, _>(at) {
                rest.numbers.insert(name, number);
            } else if let Ok(text) = self.try_get::<String, _>(at) {
                rest.texts.insert(name, text);
            }
        }
        rest
    }
}

/// The rows of a statement's answer that can be read; the others are noted.
pub(crate) fn keep<R, T>(rows: Vec<R>, statement: &str) -> Vec<T>
where
    R: Columns,
    T: for<'r> FromRow<'r, R>,
    R: sqlx::Row,
{
    rows.iter().filter_map(|row| T::from_row(row).map_err(|error| note_row(row, statement, &error)).ok()).collect()
}

/// The same, with what can be salvaged of the others.
pub(crate) fn salvage<R, T>(rows: Vec<R>, statement: &str) -> Vec<T>
where
    R: Columns,
    T: for<'r> FromRow<'r, R> + Salvage,
    R: sqlx::Row,
{
    let read = |row: &R| match T::from_row(row) {
        Ok(read) => Some(read),
        Err(error) => T::salvage(&note_row(row, statement, &error)),
    };
    rows.iter().filter_map(read).collect()
}

fn note_row<R: Columns>(row: &R, statement: &str, error: &sqlx::Error) -> Rest {
    let rest = row.rest();
    let mut numbers: Vec<_> = rest.numbers.iter().filter(|(name, _)| name.ends_with("id") || *name == "seq").collect();
    numbers.sort_unstable();
    let key: Vec<String> = numbers.into_iter().map(|(name, number)| format!("{name} {number}")).collect();
    note(table_of(statement), key.join(", "), error);
    rest
}

/// The table that a statement reads first.
fn table_of(statement: &str) -> &'static str {
    let mut words = statement.split_whitespace();
    while words.find(|word| matches!(*word, "FROM" | "JOIN")).is_some() {
        let Some(word) = words.next() else { break };
        if let Some(table) = tables::named(TABLES, word) {
            return table.name;
        }
    }
    "other"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_counted_by_the_table_that_it_reads_first() {
        assert_eq!(table_of("SELECT a FROM members m JOIN users u ON u.id = m.user_id"), "members");
        assert_eq!(table_of("SELECT a FROM json_each($1) AS j JOIN messages m ON m.id = 1"), "messages");
        assert_eq!(table_of("PRAGMA page_size"), "other");
    }

    #[test]
    fn only_what_cannot_be_read_is_left_out() {
        let read = |number: i64| match number {
            2 => Err(Error::Unreadable { table: "messages", id: 2, what: "a test".into() }),
            number => Ok(number),
        };
        assert_eq!(readable(vec![1, 2, 3], read).unwrap(), [1, 3]);
        let away = |_: i64| -> Result<i64> { Err(Error::Unavailable("away".into())) };
        assert!(readable(vec![1], away).is_err());
    }
}
