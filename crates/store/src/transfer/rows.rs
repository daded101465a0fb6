//! Rows on their way: read as JSON arrays, alike from both databases, and written from them.

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::{
    Conn, Error, Result,
    tables::{Column, Kind, Table},
};

/// A row: the values of its table's columns, in their order. Numbers, texts and nulls.
pub(super) type Row = Vec<Value>;

/// Rows that one statement writes.
pub(super) const CHUNK: usize = 1_000;

/// An argument of a statement.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Number(i64),
    Text(&'a str),
}

/// Begins a transaction that sees one moment of the database until it is rolled back, and changes nothing.
pub(super) async fn freeze(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => conn.run("BEGIN").await,
        Conn::Postgres(_) => conn.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
    }
}

/// Begins a transaction that writes.
pub(super) async fn begin(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => conn.run("BEGIN IMMEDIATE").await,
        Conn::Postgres(_) => conn.run("BEGIN").await,
    }
}

/// Commits what `work` did, or rolls it back.
pub(super) async fn ended<T>(conn: &mut Conn, work: Result<T>) -> Result<T> {
    match work {
        Ok(value) => conn.run("COMMIT").await.map(|()| value),
        Err(error) => {
            // The first error is the one to tell; a connection that is gone has rolled back by itself.
            let _gone = conn.run("ROLLBACK").await;
            Err(error)
        }
    }
}

/// Runs a statement that returns one text in each row, and gives these to `take`, one after the other.
pub(super) async fn each(
    conn: &mut Conn,
    text: String,
    given: &[Given<'_>],
    mut take: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    // The texts of statements here are made of constants only; what varies is given beside them.
    let text = AssertSqlSafe(text);
    match conn {
        Conn::Sqlite(conn) => {
            let mut query = sqlx::query_scalar::<_, String>(text);
            for one in given {
                query = match *one {
                    Given::Number(number) => query.bind(number),
                    Given::Text(text) => query.bind(text.to_owned()),
                };
            }
            let mut rows = query.fetch(&mut **conn);
            while let Some(row) = rows.try_next().await? {
                take(&row)?;
            }
        }
        Conn::Postgres(conn) => {
            let mut query = sqlx::query_scalar::<_, String>(text);
            for one in given {
                query = match *one {
                    Given::Number(number) => query.bind(number),
                    Given::Text(text) => query.bind(text.to_owned()),
                };
            }
            let mut rows = query.fetch(&mut **conn);
            while let Some(row) = rows.try_next().await? {
                take(&row)?;
            }
        }
    }
    Ok(())
}

/// The rows that `from` (a table with its conditions and order) has.
pub(super) async fn read(conn: &mut Conn, table: &Table, from: &str, given: &[Given<'_>]) -> Result<Vec<Row>> {
    let text = select(conn, &table.column_names(), from);
    let mut rows = Vec::new();
    each(conn, text, given, |row| {
        rows.push(parse(row)?);
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// The statement that reads these columns, each row as one JSON array.
pub(super) fn select(conn: &Conn, columns: &[&str], from: &str) -> String {
    let columns = columns.join(", ");
    match conn {
        Conn::Sqlite(_) => format!("SELECT json_array({columns}) FROM {from}"),
        Conn::Postgres(_) => format!("SELECT CAST(json_build_array({columns}) AS TEXT) FROM {from}"),
    }
}

/// Reads a row that [`select`] wrote, or one of a backup.
pub(super) fn parse(text: &str) -> Result<Row> {
    let row: Row = serde_json::from_str(text).map_err(|_| Error::Other("a row is not a JSON array".to_owned()))?;
    let plain = |value: &Value| matches!(value, Value::Null | Value::String(_)) || value.is_i64();
    if row.iter().all(plain) { Ok(row) } else { Err(Error::Other("a row holds what no column can".to_owned())) }
}

/// Writes a row in the one way that both sides of a comparison have.
pub(super) fn write(row: &[Value]) -> Result<String> {
    serde_json::to_string(row).map_err(|e| Error::Other(format!("a row cannot be written: {e}")))
}

/// Inserts rows that are not there yet. PostgreSQL takes them as a copy, which is several times faster.
pub(super) async fn insert(conn: &mut Conn, table: &Table, columns: &[&Column], rows: &[Row]) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    for chunk in rows.chunks(CHUNK) {
        match conn {
            Conn::Sqlite(_) => put(conn, &insertion(table, columns), chunk).await?,
            Conn::Postgres(conn) => {
                let statement = format!("COPY {} ({}) FROM STDIN", table.name, names.join(", "));
                let mut copy = conn.copy_in_raw(&statement).await?;
                copy.send(copied(chunk)).await?;
                copy.finish().await?;
            }
        }
    }
    Ok(())
}

/// Inserts rows, or puts them in the place of those with the same key.
pub(super) async fn replace(conn: &mut Conn, table: &Table, rows: &[Row]) -> Result<()> {
    let columns: Vec<&Column> = table.columns.iter().collect();
    let others = columns.iter().filter(|column| !table.key.contains(&column.name));
    let set: Vec<String> = others.map(|column| format!("{0} = excluded.{0}", column.name)).collect();
    let insertion = insertion(table, &columns);
    let instead = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    let text = format!("{insertion} ON CONFLICT ({}) DO {instead}", table.key.join(", "));
    for chunk in rows.chunks(CHUNK) {
        put(conn, &text, chunk).await?;
    }
    Ok(())
}

/// Deletes the rows with these keys.
pub(super) async fn delete(conn: &mut Conn, table: &Table, keys: &[Row]) -> Result<()> {
    let text = format!("DELETE FROM {} WHERE {}", table.name, with_keys(table));
    for chunk in keys.chunks(CHUNK) {
        put(conn, &text, chunk).await?;
    }
    Ok(())
}

/// Empties, in the rows with the keys of these, the columns that may pass from one row to another.
pub(super) async fn empty_exchanged(conn: &mut Conn, table: &Table, rows: &[Row]) -> Result<()> {
    if table.exchanged.is_empty() {
        return Ok(());
    }
    let set: Vec<String> = table.exchanged.iter().map(|column| format!("{column} = NULL")).collect();
    let text = format!("UPDATE {} SET {} WHERE {}", table.name, set.join(", "), with_keys(table));
    for chunk in rows.chunks(CHUNK) {
        put(conn, &text, chunk).await?;
    }
    Ok(())
}

/// The condition that a row's key is one of those that begin the given rows.
fn with_keys(table: &Table) -> String {
    let key = table.columns.iter().take(table.key.len()).enumerate();
    let equal: Vec<String> =
        key.map(|(at, column)| format!("{}.{} = {}", table.name, column.name, value(at, column))).collect();
    format!("EXISTS (SELECT 1 FROM json_each($1) AS j WHERE {})", equal.join(" AND "))
}

fn insertion(table: &Table, columns: &[&Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let values: Vec<String> = columns.iter().enumerate().map(|(at, column)| value(at, column)).collect();
    // Without a condition SQLite would take what may follow for a part of the join.
    let from = "FROM json_each($1) AS j WHERE 1 = 1";
    format!("INSERT INTO {} ({}) SELECT {} {from}", table.name, names.join(", "), values.join(", "))
}

fn value(at: usize, column: &Column) -> String {
    match column.kind {
        Kind::Number => format!("CAST(j.value ->> {at} AS BIGINT)"),
        Kind::Text => format!("j.value ->> {at}"),
    }
}

async fn put(conn: &mut Conn, text: &str, rows: &[Row]) -> Result<()> {
    let rows = serde_json::to_string(rows).map_err(|e| Error::Other(format!("rows cannot be written: {e}")))?;
    let text = AssertSqlSafe(text.to_owned());
    match conn {
        Conn::Sqlite(conn) => sqlx::query(text).bind(rows).execute(&mut **conn).await.map(|_| ())?,
        Conn::Postgres(conn) => sqlx::query(text).bind(rows).execute(&mut **conn).await.map(|_| ())?,
    }
    Ok(())
}

/// Rows as PostgreSQL's `COPY` reads them.
fn copied(rows: &[Row]) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        for (at, value) in row.iter().enumerate() {
            if at > 0 {
                text.push('\t');
            }
            match value {
                Value::Null => text.push_str("\\N"),
                Value::String(value) => value.chars().for_each(|c| match c {
                    '\\' => text.push_str("\\\\"),
                    '\t' => text.push_str("\\t"),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    c => text.push(c),
                }),
                other => text.push_str(&other.to_string()),
            }
        }
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_end_a_copied_row_or_column_is_escaped() {
        let row = vec![json!(1), Value::Null, json!("a\tb\nc\\N\r"), json!("")];
        assert_eq!(String::from_utf8(copied(&[row])).unwrap(), "1\t\\N\ta\\tb\\nc\\\\N\\r\t\n");
    }

    #[test]
    fn a_row_holds_numbers_texts_and_nulls_only() {
        assert!(parse(r#"[1,-9223372036854775808,null,"é"]"#).is_ok());
        for wrong in ["", "{}", "[1.5]", "[[1]]", "[true]", "[9223372036854775808]", "[1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
