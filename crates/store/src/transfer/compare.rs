//! Comparing two databases: conversation by conversation, and table by table.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest;
use serde_json::Value;

use super::{
    lifecycle,
    rows::{self, Given, Row, each},
};
use crate::{
    Conn, Error, Result,
    tables::{self, CONVERSATIONS, Changes, MESSAGES, Owner, Table, Tables},
};

/// The numbered rows of a conversation, or of a part of it: how many, and a checksum that does not depend on
/// their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub rows: u64,
    sum: u128,
}

impl Tally {
    fn add(&mut self, table: &Table, row: &[Value]) -> Result<()> {
        let text = format!("{} {}", table.name, rows::write(row)?);
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let half = hash.as_ref().first_chunk().copied().unwrap_or_default();
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
        Ok(())
    }
}

/// Each conversation's tally.
pub(super) type Tallies = HashMap<i64, Tally>;

/// The tallies of all conversations: of everything that their numbers tell about.
pub(super) async fn tallies(conn: &mut Conn, tables: Tables) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    for table in tables.iter().filter(|table| table.is_numbered()) {
        let (conversation, from) = with_conversations(tables, table)?;
        let columns = [vec![conversation], prefixed(table)].concat();
        let text = rows::select(conn, &columns.iter().map(String::as_str).collect::<Vec<_>>(), &from);
        each(conn, text, &[], |text| {
            let row = rows::parse(text)?;
            tallies.entry(number(&row, 0)).or_default().add(table, row.get(1..).unwrap_or_default())
        })
        .await?;
    }
    Ok(tallies)
}

/// The tally of what has changed in a conversation after this number.
pub(super) async fn tally_after(conn: &mut Conn, tables: Tables, conversation: i64, after: i64) -> Result<Tally> {
    let given = [Given::Number(conversation), Given::Number(after)];
    let mut tally = Tally::default();
    for table in tables.iter().filter(|table| table.is_numbered()) {
        let columns = prefixed(table);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let text = rows::select(conn, &columns, &changed(tables, table)?);
        each(conn, text, &given, |row| tally.add(table, &rows::parse(row)?)).await?;
    }
    Ok(tally)
}

/// Where a numbered table's rows are read with their conversation: its column, and what stands after `FROM`.
fn with_conversations(tables: Tables, table: &Table) -> Result<(String, String)> {
    match table.owner {
        Owner::Conversation(column, _) => Ok((format!("t.{column}"), format!("{} AS t", table.name))),
        Owner::Message(column) => {
            let (_, conversation) = messages(tables)?.owner.named_by().unwrap_or_default();
            let from = format!("{} AS t JOIN {MESSAGES} AS m ON m.id = t.{column}", table.name);
            Ok((format!("m.{conversation}"), from))
        }
        Owner::Server | Owner::Root | Owner::Account(_) => unnumbered(table),
    }
}

/// The rows `t` of a numbered table that have changed in conversation `$1` after number `$2`: what stands after `FROM`.
pub(super) fn changed(tables: Tables, table: &Table) -> Result<String> {
    let (name, columns) = (table.name, table.column_names().join(", "));
    match table.owner {
        Owner::Conversation(column, Changes::Rev) => Ok(format!("{name} AS t WHERE t.{column} = $1 AND t.rev > $2")),
        // Each half by its index.
        Owner::Conversation(column, Changes::SeqAndRev) => {
            let created = format!("SELECT {columns} FROM {name} WHERE {column} = $1 AND seq > $2");
            let later = "rev > $2 AND rev > seq AND seq <= $2";
            let changed = format!("SELECT {columns} FROM {name} WHERE {column} = $1 AND {later}");
            Ok(format!("({created} UNION ALL {changed}) AS t"))
        }
        Owner::Message(column) => {
            let messages = changed_messages(tables)?;
            Ok(format!("{name} AS t JOIN ({messages}) AS m ON m.id = t.{column}"))
        }
        Owner::Server | Owner::Root | Owner::Account(_) | Owner::Conversation(_, Changes::Unnumbered) => {
            unnumbered(table)
        }
    }
}

/// The statement that reads the ids of those messages.
pub(super) fn changed_messages(tables: Tables) -> Result<String> {
    let messages = messages(tables)?;
    match messages.owner {
        Owner::Message(_) => unnumbered(messages),
        _ => Ok(format!("SELECT t.id FROM {}", changed(tables, messages)?)),
    }
}

fn unnumbered<T>(table: &Table) -> Result<T> {
    Err(Error::Other(format!("the rows of {} do not change by the numbers of conversations", table.name)))
}

/// The messages, to which other tables' rows may belong.
pub(super) fn messages(tables: Tables) -> Result<&'static Table> {
    tables::named(tables, MESSAGES).ok_or_else(|| Error::Other("no messages are transferred".to_owned()))
}

fn prefixed(table: &Table) -> Vec<String> {
    table.column_names().into_iter().map(|column| format!("t.{column}")).collect()
}

/// Each conversation's head: it tells how far everything that belongs to the conversation was transferred.
pub(super) async fn heads(conn: &mut Conn) -> Result<BTreeMap<i64, i64>> {
    pairs(conn, "id, head", CONVERSATIONS).await
}

/// How many rows of this table each conversation has; of tables whose rows name it.
pub(super) async fn counts(conn: &mut Conn, table: &Table) -> Result<BTreeMap<i64, i64>> {
    let column = table.owner.named_by().map_or("NULL", |(_, column)| column);
    pairs(conn, &format!("{column}, COUNT(*)"), &format!("{} GROUP BY {column}", table.name)).await
}

async fn pairs(conn: &mut Conn, columns: &str, from: &str) -> Result<BTreeMap<i64, i64>> {
    let text = rows::select(conn, &[columns], from);
    let mut pairs = BTreeMap::new();
    each(conn, text, &[], |text| {
        let row = rows::parse(text)?;
        pairs.insert(number(&row, 0), number(&row, 1));
        Ok(())
    })
    .await?;
    Ok(pairs)
}

/// The statements that make one table like another.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Rows that are new or have changed.
    pub put: Vec<Row>,
    /// Keys of rows that are gone.
    pub gone: Vec<Row>,
}

impl Differences {
    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty()
    }
}

/// The statements that make a table (or the part of it for which `condition` holds) in `to` like the one in `from`.
/// Holds the compared rows of both in memory.
pub(super) async fn differences(
    from: &mut Conn,
    to: &mut Conn,
    table: &Table,
    condition: &str,
    given: &[Given<'_>],
) -> Result<Differences> {
    let place = format!("{} WHERE {condition}", table.name);
    let key = |row: &Row| rows::write(row.get(..table.key.len()).unwrap_or_default());
    let transferred = |row: &Row| lifecycle::is_transferred(table, row);
    let mut wanted: HashMap<String, Row> = HashMap::new();
    for row in rows::read(from, table, &place, given).await?.into_iter().filter(transferred) {
        wanted.insert(key(&row)?, row);
    }
    let mut gone = Vec::new();
    let text = rows::select(to, &table.column_names(), &place);
    each(to, text, given, |text| {
        let row = rows::parse(text)?;
        let name = key(&row)?;
        match wanted.get(&name) {
            Some(same) if *same == row => drop(wanted.remove(&name)),
            Some(_) => {}
            None if transferred(&row) => gone.push(row.into_iter().take(table.key.len()).collect()),
            None => {}
        }
        Ok(())
    })
    .await?;
    Ok(Differences { put: wanted.into_values().collect(), gone })
}

/// The greatest id in a table; 0 if it is empty.
pub(super) async fn last(conn: &mut Conn, table: &Table, id: &str) -> Result<i64> {
    let mut last = 0;
    let text = format!("SELECT CAST(COALESCE(MAX({id}), 0) AS TEXT) FROM {}", table.name);
    each(conn, text, &[], |found| {
        last = found.parse().unwrap_or_default();
        Ok(())
    })
    .await?;
    Ok(last)
}

/// Rows that are compared at once, where a table need not be compared as a whole.
const PART: i64 = 100_000;

/// Cuts a table by what its rows belong to into parts of some hundred thousand rows, each from after one number up to
/// another. Together they are all that there can be, so that the same parts of another database lack nothing.
pub(super) async fn parts(conn: &mut Conn, table: &Table, column: &str) -> Result<Vec<(i64, i64)>> {
    let next = format!(
        "SELECT CAST({column} AS TEXT) FROM {} WHERE {column} > $1 ORDER BY {column} LIMIT 1 OFFSET {PART}",
        table.name
    );
    let (mut parts, mut after) = (Vec::new(), i64::MIN);
    loop {
        let mut last = None;
        each(conn, next.clone(), &[Given::Number(after)], |found| {
            last = found.parse().ok();
            Ok(())
        })
        .await?;
        parts.push((after, last.unwrap_or(i64::MAX)));
        match last {
            Some(last) => after = last,
            None => return Ok(parts),
        }
    }
}

/// A number of a row.
pub(super) fn number(row: &Row, at: usize) -> i64 {
    row.get(at).and_then(Value::as_i64).unwrap_or_default()
}
