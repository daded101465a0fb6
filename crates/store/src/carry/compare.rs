//! Comparing two databases: conversation by conversation, and table by table.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest;
use serde_json::Value;

use super::{
    rows::{self, Given, Row, each},
    standing::MARKS,
    tables::Table,
};
use crate::{Conn, Error, Result};

/// Messages and reactions of a conversation, or of a part of it: how many, and a checksum that does not depend on
/// their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub rows: u64,
    sum: u128,
}

impl Tally {
    fn add(&mut self, row: &[Value]) -> Result<()> {
        let hash = digest::digest(&digest::SHA256, rows::write(row)?.as_bytes());
        let half = hash.as_ref().first_chunk().copied().unwrap_or_default();
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
        Ok(())
    }
}

/// Each conversation's tally.
pub(super) type Tallies = HashMap<i64, Tally>;

/// The tallies of all conversations.
pub(super) async fn tallies(conn: &mut Conn) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    let messages = rows::select(conn, &table("messages")?.column_names(), "messages");
    each(conn, messages, &[], |text| {
        let row = rows::parse(text)?;
        tallies.entry(number(&row, 1)).or_default().add(&row)
    })
    .await?;
    let reactions = rows::select(conn, REACTION, "reactions r JOIN messages m ON m.id = r.message_id");
    each(conn, reactions, &[], |text| {
        let row = rows::parse(text)?;
        tallies.entry(number(&row, 0)).or_default().add(&row)
    })
    .await?;
    Ok(tallies)
}

/// A reaction with its conversation.
const REACTION: &[&str] = &["m.conversation_id", "r.message_id", "r.emoji", "r.user_id", "r.number"];

/// The tally of what has changed in a conversation after this number.
pub(super) async fn tally_after(conn: &mut Conn, conversation: i64, after: i64) -> Result<Tally> {
    let given = [Given::Number(conversation), Given::Number(after)];
    let mut tally = Tally::default();
    let messages = rows::select(conn, &table("messages")?.column_names(), &format!("({CHANGED}) AS m"));
    let reactions = rows::select(conn, REACTION, &format!("reactions r JOIN ({CHANGED}) AS m ON m.id = r.message_id"));
    for text in [messages, reactions] {
        each(conn, text, &given, |row| tally.add(&rows::parse(row)?)).await?;
    }
    Ok(tally)
}

/// Messages of conversation `$1` that were made or changed after number `$2`, by the indexes for each.
pub(super) const CHANGED: &str = "SELECT * FROM messages WHERE conversation_id = $1 AND seq > $2 \
     UNION ALL SELECT * FROM messages WHERE conversation_id = $1 AND rev > $2 AND rev > seq AND seq <= $2";

/// Each conversation's head.
pub(super) async fn heads(conn: &mut Conn) -> Result<BTreeMap<i64, i64>> {
    pairs(conn, "id, head", "conversations").await
}

/// How many messages each conversation has.
pub(super) async fn counts(conn: &mut Conn) -> Result<BTreeMap<i64, i64>> {
    pairs(conn, "conversation_id, COUNT(*)", "messages GROUP BY conversation_id").await
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

/// What makes one table like another.
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

/// What makes a table (or the part of it for which `condition` holds) in `to` like the one in `from`. Holds the
/// table's rows in memory: not for messages.
pub(super) async fn differences(
    from: &mut Conn,
    to: &mut Conn,
    table: &Table,
    condition: &str,
    given: &[Given<'_>],
) -> Result<Differences> {
    let place = format!("{} WHERE {condition}", table.name);
    let key = |row: &Row| rows::write(row.get(..table.key.len()).unwrap_or_default());
    let carried = |row: &Row| {
        let name = row.first().and_then(Value::as_str).unwrap_or_default();
        table.name != "meta" || !MARKS.contains(&name)
    };
    let mut wanted: HashMap<String, Row> = HashMap::new();
    for row in rows::read(from, table, &place, given).await?.into_iter().filter(carried) {
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
            None if carried(&row) => gone.push(row.into_iter().take(table.key.len()).collect()),
            None => {}
        }
        Ok(())
    })
    .await?;
    Ok(Differences { put: wanted.into_values().collect(), gone })
}

/// A table by its name.
pub(super) fn table(name: &str) -> Result<&'static Table> {
    Table::named(name).ok_or_else(|| Error::Other(format!("no table {name} is carried")))
}

/// A number of a row.
pub(super) fn number(row: &Row, at: usize) -> i64 {
    row.get(at).and_then(Value::as_i64).unwrap_or_default()
}
