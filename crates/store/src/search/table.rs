//! PostgreSQL's index: for each message a `tsvector` that was cut here, with the positions of its terms, and a GIN
//! index over them. These statements are PostgreSQL's only.

use std::collections::{BTreeMap, HashMap};

use chat::{
    ConversationId, Number,
    search::{Phrase, searched, terms},
};
use serde::Serialize;

use super::{BLOCK, MARK, Needle, marks, version};
use crate::{
    Conn, Result,
    appends::{json, json_ids},
    followers::{Changed, Follower},
};

const ENSURE: &str = "INSERT INTO follower_cursors (follower, conversation_id, rev, head)
                      SELECT $1, CAST(j.value ->> 'v' AS BIGINT), 0, 0 FROM json_each($2) AS j ON CONFLICT DO NOTHING";
const LOCK_CURSORS: &str = "SELECT conversation_id, rev FROM follower_cursors
     WHERE follower = $1 AND conversation_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)
     ORDER BY conversation_id FOR UPDATE";
const CURSORS_BETWEEN: &str = "SELECT conversation_id, rev FROM follower_cursors
     WHERE follower = $1 AND conversation_id > $2 AND conversation_id <= $3";
const ADVANCE: &str =
    "UPDATE follower_cursors AS c SET rev = CAST(j.value ->> 'r' AS BIGINT), head = CAST(j.value ->> 'h' AS BIGINT)
     FROM json_each($2) AS j WHERE c.follower = $1 AND c.conversation_id = CAST(j.value ->> 'c' AS BIGINT)";
const TOLD: &str = "SELECT conversation_id, head FROM follower_cursors WHERE follower = $1 AND head > rev
     ORDER BY conversation_id LIMIT 10000";
const TELL: &str = "INSERT INTO follower_cursors (follower, conversation_id, rev, head)
     SELECT $1, CAST(j.value ->> 'c' AS BIGINT), 0, CAST(j.value ->> 'h' AS BIGINT) FROM json_each($2) AS j
     ON CONFLICT (follower, conversation_id) DO UPDATE SET head = GREATEST(follower_cursors.head, excluded.head)";
const TAKE_OUT: &str = "DELETE FROM message_terms
     WHERE message_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)";
const PUT: &str = "INSERT INTO message_terms (message_id, terms)
     SELECT CAST(j.value ->> 'i' AS BIGINT), CAST(j.value ->> 't' AS tsvector) FROM json_each($1) AS j
     ON CONFLICT (message_id) DO UPDATE SET terms = excluded.terms";
// `+ 0`: by its key the planner would go through all messages until it has found enough.
const CANDIDATES: &str = "SELECT message_id FROM message_terms
     WHERE terms @@ CAST($1 AS tsquery) AND message_id + 0 >= $2 AND message_id + 0 < $3
     ORDER BY message_id + 0 DESC LIMIT CAST($4 AS BIGINT)";
const CLEAR: &str = "TRUNCATE message_terms";
const FORGET_CURSORS: &str = "DELETE FROM follower_cursors WHERE follower = $1";
/// A node that takes the leases looks at all conversations.
const END_LEASES: &str = "UPDATE follower_leases SET node = 0, until = 0 WHERE follower = $1 AND shard >= 0";
const VERSION: &str = "SELECT value FROM meta WHERE key = $1";
const BYTES: &str = "SELECT pg_total_relation_size('message_terms')";
const SET_VERSION: &str = "INSERT INTO meta (key, value) VALUES ($1, $2)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value";
/// Nodes that start together look one after another.
const ALONE: &str = "LOCK TABLE follower_leases IN SHARE ROW EXCLUSIVE MODE";
/// Where the version of the rules stands with which the table was filled.
const VERSION_KEY: &str = "search_version";

/// Positions of one term that a `tsvector` holds; where there are more, a phrase may be overlooked.
const POSITIONS: usize = 256;
/// Blocks that are named one by one; beyond it all are looked through.
const BLOCKS: i64 = 64;

#[derive(Serialize)]
struct Row {
    i: i64,
    t: String,
}

/// The writes of a pass.
pub(super) struct Encoded {
    gone: String,
    texts: String,
}

/// How far the index has come in these conversations, which are in the order of their ids. Nobody else changes it before
/// the transaction ends.
pub(super) async fn lock_cursors(
    conn: &mut Conn,
    follower: Follower,
    of: &[ConversationId],
) -> Result<HashMap<i64, i64>> {
    let ids = json_ids(of.iter().map(|id| id.0))?;
    sql!(conn, execute, ENSURE, follower.name(), ids.as_str())?;
    let cursors = sql!(conn, fetch_all as (i64, i64), LOCK_CURSORS, follower.name(), ids.as_str())?;
    Ok(cursors.into_iter().collect())
}

/// The cursors of conversations with ids after the first and up to the second.
pub(super) async fn cursors_between(
    conn: &mut Conn,
    follower: Follower,
    after: i64,
    to: i64,
) -> Result<HashMap<i64, i64>> {
    let cursors = sql!(conn, fetch_all as (i64, i64), CURSORS_BETWEEN, follower.name(), after, to)?;
    Ok(cursors.into_iter().collect())
}

/// Notes how far it has come, and how far the conversations have.
pub(super) async fn advance(
    conn: &mut Conn,
    follower: Follower,
    reached: &[(ConversationId, Number, Number)],
) -> Result<()> {
    #[derive(Serialize)]
    struct Cursor {
        c: i64,
        r: i64,
        h: i64,
    }
    let cursor = |(id, rev, head): &(ConversationId, Number, Number)| Cursor { c: id.0, r: rev.0, h: head.0 };
    let cursors = json(&reached.iter().map(cursor).collect::<Vec<_>>())?;
    sql!(conn, execute, ADVANCE, follower.name(), cursors)?;
    Ok(())
}

/// The numbers that other nodes have announced.
pub(super) async fn told(conn: &mut Conn, follower: Follower) -> Result<Vec<(ConversationId, Number)>> {
    let told = sql!(conn, fetch_all as (i64, i64), TOLD, follower.name())?;
    Ok(told.into_iter().map(|(id, head)| (ConversationId(id), Number(head))).collect())
}

/// Says how far conversations have come.
pub(super) async fn tell(conn: &mut Conn, follower: Follower, heads: &[(ConversationId, Number)]) -> Result<()> {
    #[derive(Serialize)]
    struct Head {
        c: i64,
        h: i64,
    }
    let mut heads: Vec<Head> = heads.iter().map(|(id, head)| Head { c: id.0, h: head.0 }).collect();
    // In the order in which passes lock them.
    heads.sort_unstable_by_key(|head| head.c);
    sql!(conn, execute, TELL, follower.name(), json(&heads)?)?;
    Ok(())
}

/// The rows that a pass writes of these messages.
pub(super) fn encode(changed: &[Changed]) -> Result<Encoded> {
    let gone = changed.iter().filter(|message| message.text.is_none()).map(|message| message.id.0);
    let row = |message: &Changed| {
        let text = message.text.as_deref()?;
        Some(Row { i: message.id.0, t: vector(message, text) })
    };
    let texts: Vec<Row> = changed.iter().filter_map(row).collect();
    Ok(Encoded { gone: json_ids(gone)?, texts: json(&texts)? })
}

pub(super) async fn put(conn: &mut Conn, encoded: Encoded) -> Result<()> {
    sql!(conn, execute, TAKE_OUT, encoded.gone)?;
    sql!(conn, execute, PUT, encoded.texts)?;
    Ok(())
}

/// A text's terms with their positions, as a `tsvector` is written.
fn vector(message: &Changed, text: &str) -> String {
    let mut positions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, term) in terms::terms(&searched(text, &message.files)).into_iter().enumerate() {
        positions.entry(term.text).or_default().push(at + 1);
    }
    let overflows = positions.values().any(|positions| positions.len() > POSITIONS);
    let mut vector = String::with_capacity(text.len() * 2 + 64);
    for (term, positions) in positions {
        vector.push_str(&quoted(&term));
        let positions: Vec<String> = positions.iter().take(POSITIONS).map(ToString::to_string).collect();
        vector.push(':');
        vector.push_str(&positions.join(","));
        vector.push(' ');
    }
    let block = of_block(message.id.0.div_euclid(BLOCK));
    for mark in marks(message, text).into_iter().chain([block]).chain(overflows.then(of_overflow)) {
        vector.push_str(&quoted(&mark));
        vector.push(' ');
    }
    vector
}

fn of_block(block: i64) -> String {
    format!("{MARK}b{block}")
}

/// Marks a message that has a term more often than its positions can be held.
fn of_overflow() -> String {
    format!("{MARK}o")
}

/// A term in quotes.
fn quoted(term: &str) -> String {
    format!("'{}'", term.replace('\\', "\\\\").replace('\'', "''"))
}

/// The ids that may be meant, from the first of `ids` and below the second, newest first.
pub(super) async fn candidates(conn: &mut Conn, needle: &Needle, ids: (i64, i64), limit: i64) -> Result<Vec<i64>> {
    let found = sql!(conn, fetch_all as (i64,), CANDIDATES, query(needle, ids), ids.0, ids.1, limit)?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The query for PostgreSQL. Every term stands in quotes, so nothing of it is an operator.
fn query(needle: &Needle, ids: (i64, i64)) -> String {
    let words = needle.words.iter().map(|word| phrase(word, true));
    let blocks = ids.0.div_euclid(BLOCK)..=(ids.1 - 1).max(ids.0).div_euclid(BLOCK);
    let are_few = blocks.end() - blocks.start() < BLOCKS;
    let blocks: Vec<String> = if are_few { blocks.map(of_block).collect() } else { Vec::new() };
    let marks = needle.marks().into_iter().chain((!blocks.is_empty()).then_some(blocks)).map(|of_one| {
        let of_one: Vec<String> = of_one.iter().map(|mark| quoted(mark)).collect();
        format!("({})", of_one.join(" | "))
    });
    // Anything overlooked here is seen when the row is looked at.
    let not = needle.not.iter().map(|unwanted| format!("!({})", phrase(unwanted, false)));
    words.chain(marks).chain(not).collect::<Vec<_>>().join(" & ")
}

/// A phrase; `or_overflow`: or what may have it at positions that are not held.
fn phrase(phrase: &Phrase, or_overflow: bool) -> String {
    let last = phrase.terms.len().saturating_sub(1);
    let star = |at: usize| if phrase.prefix && at == last { ":*" } else { "" };
    let terms: Vec<String> = phrase.terms.iter().enumerate().map(|(at, term)| quoted(term) + star(at)).collect();
    if terms.len() == 1 {
        return terms.concat();
    }
    let apart =
        if or_overflow { format!(" | ({} & {})", terms.join(" & "), quoted(&of_overflow())) } else { String::new() };
    format!("(({}){apart})", terms.join(" <-> "))
}

/// Empties the index, and has it followed anew.
pub(super) async fn clear(conn: &mut Conn, follower: Follower) -> Result<()> {
    conn.run("BEGIN").await?;
    sql!(conn, execute, ALONE)?;
    clear_in(conn, follower).await?;
    conn.run("COMMIT").await
}

async fn clear_in(conn: &mut Conn, follower: Follower) -> Result<()> {
    sql!(conn, execute, END_LEASES, follower.name())?;
    sql!(conn, execute, FORGET_CURSORS, follower.name())?;
    sql!(conn, execute, CLEAR)?;
    Ok(())
}

/// By which rules the table was filled; nothing if nobody has ever followed.
pub(super) async fn made_by(conn: &mut Conn) -> Result<Option<String>> {
    let found = sql!(conn, fetch_optional as (String,), VERSION, VERSION_KEY)?;
    Ok(found.map(|(found,)| found))
}

/// The table's size on the disk, with its index.
pub(super) async fn bytes(conn: &mut Conn) -> Result<i64> {
    let (bytes,) = sql!(conn, fetch_one as (i64,), BYTES)?;
    Ok(bytes)
}

/// Empties the index if it was filled by other rules.
pub(super) async fn check_version(conn: &mut Conn, follower: Follower) -> Result<()> {
    let is_ours = |found: Option<(String,)>| found.is_some_and(|(found,)| found == version());
    if is_ours(sql!(conn, fetch_optional as (String,), VERSION, VERSION_KEY)?) {
        return Ok(());
    }
    conn.run("BEGIN").await?;
    sql!(conn, execute, ALONE)?;
    if !is_ours(sql!(conn, fetch_optional as (String,), VERSION, VERSION_KEY)?) {
        clear_in(conn, follower).await?;
        sql!(conn, execute, SET_VERSION, VERSION_KEY, version())?;
    }
    conn.run("COMMIT").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::{MessageId, UserId};

    fn message(id: i64) -> Changed {
        Changed { id: MessageId(id), conversation: ConversationId(2), author: UserId(3), text: None, files: Vec::new() }
    }

    #[test]
    fn a_text_becomes_its_terms_with_their_positions() {
        let found = vector(&message(BLOCK), "b a, B!");
        assert_eq!(found, format!("'a':2 'b':1,3 '{MARK}c2' '{MARK}u3' '{MARK}b1' "));
        let many = vector(&message(1), &"a ".repeat(POSITIONS + 1));
        assert!(many.contains(&format!("'{MARK}o'")) && !many.contains("257"));
    }

    #[test]
    fn what_is_asked_has_every_term_in_quotes() {
        let word = |text: &str, prefix| Phrase::of(text, prefix).unwrap();
        let needle = Needle { words: vec![word("wor", true)], not: vec![word("x y", false)], ..Needle::default() };
        let asked = query(&needle, (0, BLOCK + 1));
        assert_eq!(asked, format!("'wor':* & ('{MARK}b0' | '{MARK}b1') & !((('x' <-> 'y')))"));
        let needle = Needle { words: vec![word("a b", false)], ..Needle::default() };
        assert_eq!(query(&needle, (0, i64::MAX)), format!("(('a' <-> 'b') | ('a' & 'b' & '{MARK}o'))"));
        assert_eq!(quoted(r"it's \"), r"'it''s \\'");
    }
}
