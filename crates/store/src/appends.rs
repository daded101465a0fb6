//! Sends, a batch at a time: checked, numbered and stored by three statements, or two, however many they are.

mod bound;
mod calls;
mod created;
mod digest;
mod joining;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use chat::{
    ClientId, ConversationId, Error as Refusal, ErrorCode, MessageId, Millis, Number, Outgoing, UserId,
    conversations::{Kind, Visibility},
    files::File,
    mentions::Mentions,
    messages::Sent,
    mutants::{self, Mutant},
    policies::{Ability, Rights},
    threads::Summary,
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use self::{
    calls::{Call, Calls, meant},
    created::created,
    digest::{content_hash, special_type},
    joining::{InThread, Joining},
};
use crate::{
    Append, Conn, Error, Result, Unit,
    aside::Stands,
    clock::{self, at_least},
    faults,
    files::{self, Attached, Offered},
    jobs,
    members::read_role,
    policies, threads,
    unreadable::{Rest, Salvage},
    writer::{Done, NewMessage},
};

statements! {
    /// For each send: the conversation's head, whether the author is a member, what decides whether they may post, the
    /// earlier message under the same client id, and whether the message it answers is there and can be seen by them.
    CHECK = "SELECT CAST(j.key AS BIGINT) AS i, c.head, c.active_at, m.role, d.id, d.seq, d.conversation_id, d.content_hash, \
                    d.created_at, p.seq AS parent_seq, p.author_id AS parent_author, c.kind, c.visibility, \
                    c.member_count, q.rules, g.given, g.ends_at, m.visible_from, p.thread AS parent_thread, c.previews,
                    (SELECT MIN(t.seq) FROM messages t WHERE t.conversation_id = c.id AND t.aside = 1) AS first_aside
             FROM json_each($1) AS j
             LEFT JOIN conversations c ON c.id = CAST(j.value ->> 'c' AS BIGINT)
             LEFT JOIN members m ON m.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND m.user_id = CAST(j.value ->> 'u' AS BIGINT)
             LEFT JOIN messages d ON d.author_id = CAST(j.value ->> 'u' AS BIGINT) AND d.client_id = j.value ->> 'k'
             LEFT JOIN messages p ON p.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND p.seq = CAST(j.value ->> 'p' AS BIGINT) AND p.seq >= m.visible_from
             LEFT JOIN policies q ON q.conversation_id = c.id
             LEFT JOIN grants g ON g.conversation_id = c.id AND g.user_id = m.user_id AND g.ability = 'post'";
    INSERT = "INSERT INTO messages (conversation_id, seq, rev, author_id, client_id, content_hash, message_type, text, parent, created_at, thread, aside, files)
              SELECT CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 's' AS BIGINT), CAST(j.value ->> 's' AS BIGINT),
                     CAST(j.value ->> 'u' AS BIGINT), j.value ->> 'k', CAST(j.value ->> 'h' AS BIGINT), COALESCE(j.value ->> 'y', 'text'), j.value ->> 't',
                     CAST(j.value ->> 'p' AS BIGINT), CAST(j.value ->> 'a' AS BIGINT), CAST(j.value ->> 'r' AS BIGINT),
                     COALESCE(CAST(j.value ->> 'x' AS BIGINT), 0), COALESCE(CAST(j.value ->> 'f' AS BIGINT), 0)
              FROM json_each($1) AS j ORDER BY j.key";
    /// The same with the ids, which PostgreSQL may give in any order.
    INSERT_RETURNING = "INSERT INTO messages (conversation_id, seq, rev, author_id, client_id, content_hash, message_type, text, parent, created_at, thread, aside, files)
              SELECT CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 's' AS BIGINT), CAST(j.value ->> 's' AS BIGINT),
                     CAST(j.value ->> 'u' AS BIGINT), j.value ->> 'k', CAST(j.value ->> 'h' AS BIGINT), COALESCE(j.value ->> 'y', 'text'), j.value ->> 't',
                     CAST(j.value ->> 'p' AS BIGINT), CAST(j.value ->> 'a' AS BIGINT), CAST(j.value ->> 'r' AS BIGINT),
                     COALESCE(CAST(j.value ->> 'x' AS BIGINT), 0), COALESCE(CAST(j.value ->> 'f' AS BIGINT), 0)
              FROM json_each($1) AS j ORDER BY j.key
              RETURNING id, conversation_id, seq";
    ADVANCE = "UPDATE conversations SET head = CAST(j.value ->> 'h' AS BIGINT), active_at = CAST(j.value ->> 'a' AS BIGINT)
               FROM json_each($1) AS j WHERE conversations.id = CAST(j.value ->> 'c' AS BIGINT)";
}

#[derive(Serialize)]
struct Asked<'a> {
    c: i64,
    u: i64,
    k: Option<&'a str>,
    p: Option<i64>,
}

/// The fields of [`Checked`], in their order.
const CHECKED: &str = "i, head, active_at, role, id, seq, conversation_id, content_hash, created_at, parent_seq, \
                       parent_author, kind, visibility, member_count, rules, given, ends_at, visible_from, parent_thread, previews, \
                       first_aside";

#[derive(FromRow, Deserialize)]
struct Checked {
    i: i64,
    head: Option<i64>,
    active_at: Option<i64>,
    role: Option<String>,
    id: Option<i64>,
    seq: Option<i64>,
    conversation_id: Option<i64>,
    content_hash: Option<i64>,
    created_at: Option<i64>,
    parent_seq: Option<i64>,
    parent_author: Option<i64>,
    kind: Option<String>,
    visibility: Option<String>,
    member_count: Option<i64>,
    rules: Option<String>,
    /// Whether the ability to post was given to the author or withdrawn from them; and until when.
    given: Option<i64>,
    ends_at: Option<i64>,
    visible_from: Option<i64>,
    /// The thread in which the message stands that it answers.
    parent_thread: Option<i64>,
    /// 1 if new messages of the conversation get previews.
    previews: Option<i64>,
    /// The first message of the conversation that stands in its thread only.
    first_aside: Option<i64>,
}

impl Salvage for Checked {
    /// Every send has its row. Without a role that can be read, it is none of a member.
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            i: rest.number("i")?,
            head: rest.number("head"),
            active_at: rest.number("active_at"),
            role: rest.text("role"),
            id: rest.number("id"),
            seq: rest.number("seq"),
            conversation_id: rest.number("conversation_id"),
            content_hash: rest.number("content_hash"),
            created_at: rest.number("created_at"),
            parent_seq: rest.number("parent_seq"),
            parent_author: rest.number("parent_author"),
            kind: rest.text("kind"),
            visibility: rest.text("visibility"),
            member_count: rest.number("member_count"),
            rules: rest.text("rules"),
            given: rest.number("given"),
            ends_at: rest.number("ends_at"),
            visible_from: rest.number("visible_from"),
            parent_thread: rest.number("parent_thread"),
            previews: rest.number("previews"),
            first_aside: rest.number("first_aside"),
        })
    }
}

#[derive(Serialize)]
struct Row<'a> {
    c: i64,
    s: i64,
    u: i64,
    k: Option<&'a str>,
    h: i64,
    /// Absent for a plain text, which most are.
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'static str>,
    t: &'a str,
    p: Option<i64>,
    a: i64,
    /// How many files it carries; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<usize>,
    /// The root of its thread; absent for what is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<i64>,
    /// Where it stands; absent for what stands in a room of which nothing stands aside, as most do.
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<i64>,
}

#[derive(Serialize)]
struct Head {
    c: i64,
    h: i64,
    a: i64,
}

/// The outcome of one send.
enum Verdict {
    New {
        number: Number,
        at: Millis,
        mentions: Box<Mentions>,
        files: Vec<File>,
        reply: Option<InThread>,
        stands: Stands,
        /// Whether the preview of its link is to be made.
        previewed: bool,
    },
    Repeat(Sent),
    /// Repeats a send of the same batch, by its index.
    RepeatOf(usize),
    Refused(Refusal),
}

/// Stores a run of sends. Each one's outcome is settled on its own; only a failure of the database
/// fails them all.
pub(crate) async fn append(
    unit: &mut Unit,
    run: Vec<Append>,
    settled: &mut Vec<Box<dyn FnOnce(Option<Refusal>) + Send>>,
) -> chat::Result<()> {
    let (run, owed): (Vec<NewMessage>, Vec<Owed>) = run.into_iter().map(|a| (a.message, Owed(Some(a.done)))).unzip();
    match store(unit, &run).await {
        Ok(outcomes) => {
            for (done, outcome) in owed.into_iter().map(Owed::done).zip(outcomes) {
                settled.push(Box::new(move |failure| done(failure.map_or(outcome, Err))));
            }
            Ok(())
        }
        Err(error) => {
            for done in owed.into_iter().map(Owed::done) {
                settled.push(Box::new(move |failure| done(Err(failure.unwrap_or_else(Refusal::internal)))));
            }
            Err(error.into())
        }
    }
}

/// An outcome that is owed. Should storing panic, its transaction is rolled back, and those who wait are told.
struct Owed(Option<Done>);

impl Owed {
    fn done(mut self) -> Done {
        self.0.take().unwrap_or_else(|| Box::new(|_| {}))
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Refusal::internal()));
        }
    }
}

async fn store(unit: &mut Unit, run: &[NewMessage]) -> Result<Vec<chat::Result<Sent>>> {
    let verdicts = check(unit, run).await?;
    let ids = insert(unit, run, &verdicts).await?;
    calls::insert(unit, run, &verdicts, &ids).await?;
    attach(unit, run, &verdicts, &ids).await?;
    let mut outcomes: Vec<chat::Result<Sent>> = Vec::with_capacity(run.len());
    for (append, verdict) in run.iter().zip(verdicts) {
        let conversation = append.submission.conversation;
        outcomes.push(match verdict {
            Verdict::Refused(error) => Err(error),
            Verdict::Repeat(sent) => Ok(sent),
            Verdict::RepeatOf(first) => match outcomes.get(first) {
                Some(outcome) => outcome.clone().map(|sent| Sent { repeated: true, ..sent }),
                None => Err(Refusal::internal()),
            },
            Verdict::New { number, at, mentions, reply, files, previewed, stands: _ } => {
                let id = ids.get(&(conversation.0, number.0)).copied().unwrap_or_default();
                if reply.as_ref().is_some_and(|reply| reply.is_news) {
                    leave(unit, jobs::Kind::Follow, id).await?;
                }
                if previewed {
                    leave(unit, jobs::Kind::Preview, id).await?;
                }
                unit.committed.push(Outgoing::Event(created(
                    append,
                    MessageId(id),
                    (number, at),
                    *mentions,
                    (reply, files),
                )));
                let client_id = append.submission.client_id.clone();
                let sent =
                    Sent { conversation, seq: number, id: MessageId(id), client_id, created_at: at, repeated: false };
                faults::remember(append, &sent);
                Ok(sent)
            }
        });
    }
    Ok(outcomes)
}

/// Leaves what follows from a message to a job.
async fn leave(unit: &mut Unit, kind: jobs::Kind, id: i64) -> Result<()> {
    let now = clock::now(&mut unit.conn).await?.map_or(unit.now, Millis);
    jobs::add(&mut unit.conn, kind, id, now).await
}

async fn check(unit: &mut Unit, run: &[NewMessage]) -> Result<Vec<Verdict>> {
    unit.heads.look_at(&mut unit.conn, run.iter().map(|append| append.submission.conversation)).await?;
    let asked: Vec<Asked> = run
        .iter()
        .map(|append| Asked {
            c: append.submission.conversation.0,
            u: append.author.user.0,
            k: remembered(append.submission.client_id.as_ref()),
            p: append.submission.parent.map(|p| p.0),
        })
        .collect();
    let mut rows = look(&mut unit.conn, &asked).await?;
    if rows.len() != run.len() {
        return Err(Error::Other("not every send of a batch could be checked".into()));
    }
    rows.sort_unstable_by_key(|row| row.i);
    mend_heads(unit, run, &mut rows).await?;
    let mut calls = Calls::of(unit, run).await?;
    let mut joining = joining::join(unit, run, &rows).await?;
    let offered = Offered::by(&mut unit.conn, run.iter()).await?;
    let mut known = Known { offered, ..Known::default() };
    let mut seen: HashMap<(i64, &str), usize> = HashMap::new();
    let mut verdicts = Vec::with_capacity(run.len());
    for (index, (append, row)) in run.iter().zip(rows).enumerate() {
        if let Some(client_id) = remembered(append.submission.client_id.as_ref())
            && let Some(first) = seen.get(&(append.author.user.0, client_id)).copied()
        {
            verdicts.push(repeat_in_batch(run, first, append));
            continue;
        }
        let verdict = match faults::repeat(append) {
            Some(sent) => Verdict::Repeat(sent),
            None => judge(append, &row, (joining.remove(&index), calls.take(index)), unit.now, &mut known),
        };
        // A refused send has not used its client id up.
        if let (Some(client_id), Verdict::New { .. }) = (remembered(append.submission.client_id.as_ref()), &verdict) {
            seen.insert((append.author.user.0, client_id), index);
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// The result of [`CHECK`] for these sends.
async fn look(conn: &mut Conn, asked: &[Asked<'_>]) -> Result<Vec<Checked>> {
    if let Conn::Sqlite(sqlite) = conn
        && let Some(rows) = bound::check(sqlite, asked).await?
    {
        return Ok(rows);
    }
    let asked = json(asked)?;
    sql_many!(conn, Checked, CHECKED, CHECK, asked.as_str())
}

/// Mends the heads of a batch that were damaged since they were last looked at.
async fn mend_heads(unit: &mut Unit, run: &[NewMessage], rows: &mut [Checked]) -> Result<()> {
    let mut mended: HashMap<ConversationId, i64> = HashMap::new();
    for (append, row) in run.iter().zip(rows) {
        let (conversation, Some(head)) = (append.submission.conversation, row.head) else { continue };
        if !unit.heads.is_wrong(conversation, head) {
            continue;
        }
        let last = match mended.get(&conversation) {
            Some(last) => *last,
            None => unit.heads.mend(&mut unit.conn, conversation, head).await?,
        };
        mended.insert(conversation, last);
        row.head = Some(last);
    }
    Ok(())
}

fn repeat_in_batch(run: &[NewMessage], first: usize, append: &NewMessage) -> Verdict {
    match run.get(first) {
        Some(earlier) if earlier.submission.says_the_same_as(&append.submission) => Verdict::RepeatOf(first),
        _ => Verdict::Refused(mismatch()),
    }
}

/// The state of a batch while its sends are judged.
#[derive(Default)]
struct Known {
    /// Head and time of last activity of each conversation.
    heads: HashMap<i64, (i64, i64)>,
    /// The threads that have got replies, by conversation and root.
    threads: HashMap<(i64, i64), Summary>,
    /// The conversations in which it has begun to say something aside.
    with_asides: HashSet<i64>,
    /// The files that its sends name, until each is taken by one of them.
    offered: Offered,
}

fn judge(
    append: &NewMessage,
    row: &Checked,
    (joining, call): (Option<Joining>, Call),
    now: Millis,
    known: &mut Known,
) -> Verdict {
    let conversation = append.submission.conversation.0;
    // First of all: a repeat is answered even to those who have left since.
    if let (Some(id), Some(seq), Some(at)) = (row.id, row.seq, row.created_at) {
        let same = row.conversation_id == Some(conversation) && row.content_hash == Some(content_hash(append));
        return if same {
            Verdict::Repeat(Sent {
                conversation: append.submission.conversation,
                seq: Number(seq),
                id: MessageId(id),
                client_id: append.submission.client_id.clone(),
                created_at: Millis(at),
                repeated: true,
            })
        } else {
            Verdict::Refused(mismatch())
        };
    }
    let (Some(head), Some(active_at), Some(role)) = (row.head, row.active_at, &row.role) else {
        return Verdict::Refused(Refusal::not_found("conversation"));
    };
    let joining = joining.filter(|joining| joining.is_wanted || joining.is_open_to(row));
    if let Err(refusal) = joining::require(append, row, role, joining.as_ref(), now) {
        return Verdict::Refused(refusal);
    }
    if let Err(refusal) = may_attach(append, row, role, &known.offered, now) {
        return Verdict::Refused(refusal);
    }
    if append.submission.parent.is_some() && row.parent_seq.is_none() {
        return Verdict::Refused(Refusal::invalid("parent", "There is no message with this seq in the conversation."));
    }
    let mentions = match meant(append, row.parent_author, call, rights(append, row, role), now) {
        Ok(mentions) => Box::new(mentions),
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let files = match known.offered.take(append.author.user, &append.submission.files) {
        Ok(files) => files,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let (head, at) = known.heads.entry(conversation).or_insert((head, active_at));
    *head = faults::next(conversation, *head, now);
    *at = at_least(*at, now).0;
    let (number, at) = (Number(*head), Millis(*at));
    let reply = joining.map(|joining| joining.reply(append, (number, at), &mut known.threads));
    let previewed = append.has_link && row.previews == Some(1);
    let stands = known.stands(conversation, row, reply.as_ref());
    Verdict::New { number, at, mentions, files, reply, stands, previewed }
}

impl Known {
    /// Where the next message of a conversation stands.
    fn stands(&mut self, conversation: i64, row: &Checked, reply: Option<&InThread>) -> Stands {
        if reply.is_some_and(|reply| !reply.also_in_room) {
            self.with_asides.insert(conversation);
            return Stands::Aside;
        }
        let has_asides = row.first_aside.is_some() || self.with_asides.contains(&conversation);
        if has_asides { Stands::InRoomAfterAsides } else { Stands::InRoom }
    }
}

/// Refuses a send with files of somebody who may not attach any there.
fn may_attach(
    append: &NewMessage,
    row: &Checked,
    role: &str,
    offered: &Offered,
    now: Millis,
) -> std::result::Result<(), Refusal> {
    if append.submission.files.is_empty() {
        return Ok(());
    }
    let mut rights = rights(append, row, role);
    rights.grants.extend(offered.grant(append.submission.conversation, append.author.user));
    rights.require(Ability::Attach, now)
}

/// The row by which it is decided whether the author may post.
fn rights(append: &NewMessage, row: &Checked, role: &str) -> Rights {
    let (conversation, author) = (append.submission.conversation.0, &append.author);
    Rights {
        // Of a kind or a visibility that cannot be read, what gives the author the least.
        kind: row.kind.as_deref().and_then(Kind::from_name).unwrap_or(Kind::Direct),
        visibility: row.visibility.as_deref().and_then(Visibility::from_name).unwrap_or(Visibility::Private),
        members: row.member_count.unwrap_or(i64::MAX),
        role: read_role(role, conversation, author.user.0),
        server_role: author.role,
        policy: policies::read_rules(row.rules.as_deref(), conversation),
        grants: joining::grant(Ability::Post, row.given, row.ends_at).into_iter().collect(),
    }
}

async fn insert(unit: &mut Unit, run: &[NewMessage], verdicts: &[Verdict]) -> Result<HashMap<(i64, i64), i64>> {
    let mut heads: HashMap<i64, Head> = HashMap::new();
    let mut threads: HashMap<(i64, i64), &Summary> = HashMap::new();
    let mut rows = Vec::with_capacity(run.len());
    for (append, verdict) in run.iter().zip(verdicts) {
        if let Verdict::New { number, at, reply, files, stands, .. } = verdict {
            let c = append.submission.conversation.0;
            heads.insert(c, Head { c, h: number.0, a: at.0 });
            rows.push(Row {
                c,
                s: number.0,
                u: append.author.user.0,
                k: remembered(append.submission.client_id.as_ref()),
                h: content_hash(append),
                y: special_type(append),
                t: &append.submission.text,
                p: append.submission.parent.map(|p| p.0),
                a: at.0,
                f: Some(files.len()).filter(|count| *count > 0),
                r: reply.as_ref().map(|reply| reply.summary.root.0),
                x: Some(stands.stored()).filter(|_| *stands != Stands::InRoom),
            });
            // The last one of a thread is the one that stays.
            if let Some(reply) = reply {
                threads.insert((c, reply.summary.root.0), &reply.summary);
            }
        }
    }
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let heads: Vec<Head> = heads.into_values().collect();
    let ids = insert_rows(&mut unit.conn, &rows, &heads).await.map_err(|error| match error {
        // Another node used one of these client ids since the check. Nothing of the batch is stored;
        // repeated, its sends find what is there.
        Error::Conflict(text) => Error::Unavailable(text),
        error => error,
    })?;
    let summaries = threads.into_iter().map(|((conversation, _), summary)| (ConversationId(conversation), summary));
    threads::put(&mut unit.conn, summaries).await?;
    Ok(ids)
}

/// Gives the new messages the files that they carry.
async fn attach(
    unit: &mut Unit,
    run: &[NewMessage],
    verdicts: &[Verdict],
    ids: &HashMap<(i64, i64), i64>,
) -> Result<()> {
    let mut attached = Vec::new();
    for (append, verdict) in run.iter().zip(verdicts) {
        if let Verdict::New { number, files, .. } = verdict
            && let Some(id) = ids.get(&(append.submission.conversation.0, number.0))
        {
            attached.extend(Attached::all(files, append.submission.conversation, *number, MessageId(*id)));
        }
    }
    files::attach(&mut unit.conn, &attached).await
}

/// For PostgreSQL: both in one, because other nodes wait for the conversations' rows meanwhile.
static ADVANCE_AND_INSERT: LazyLock<String> =
    LazyLock::new(|| format!("WITH advanced AS ({}) {INSERT_RETURNING}", ADVANCE.replacen("$1", "$2", 1)));

/// Stores the rows and the conversations' heads; the rows' ids by conversation and seq.
async fn insert_rows(conn: &mut Conn, rows: &[Row<'_>], heads: &[Head]) -> Result<HashMap<(i64, i64), i64>> {
    match conn {
        Conn::Sqlite(c) => bound::insert(c, rows, heads).await,
        Conn::Postgres(c) => {
            let (batch, heads) = (json(rows)?, json(heads)?);
            let text = sqlx::AssertSqlSafe(ADVANCE_AND_INSERT.as_str());
            let insert = sqlx::query_as::<_, (i64, i64, i64)>(text).bind(batch).bind(heads);
            let ids = in_time!(c, insert.fetch_all(&mut **c))?;
            Ok(ids.into_iter().map(|(id, conversation, seq)| ((conversation, seq), id)).collect())
        }
    }
}

/// The client id as it is kept.
fn remembered(client_id: Option<&ClientId>) -> Option<&str> {
    let forgotten = mutants::is(Mutant::ForgetClientIds) || mutants::is(Mutant::CachedDedupe);
    client_id.map(ClientId::as_str).filter(|_| !forgotten)
}

fn mismatch() -> Refusal {
    Refusal {
        field: Some("/client_id".into()),
        ..Refusal::new(
            ErrorCode::IdempotencyMismatch,
            "This client id was used for another message. Choose a new one for each message.",
        )
    }
}

/// A batch as the one parameter of a statement.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows).map_err(|e| crate::Error::Other(format!("a batch could not be written: {e}")))
}

/// Ids as the one parameter of a statement: `[{"v":1},{"v":2}]`.
pub(crate) fn json_ids(ids: impl IntoIterator<Item = i64>) -> Result<String> {
    #[derive(Serialize)]
    struct Id {
        v: i64,
    }
    json(&ids.into_iter().map(|v| Id { v }).collect::<Vec<_>>())
}

/// Members' places as the one parameter of a statement: `[{"c":1,"u":2}]`.
pub(crate) fn json_places(places: &[(ConversationId, UserId)]) -> Result<String> {
    #[derive(Serialize)]
    struct Place {
        c: i64,
        u: i64,
    }
    json(&places.iter().map(|(conversation, user)| Place { c: conversation.0, u: user.0 }).collect::<Vec<_>>())
}
