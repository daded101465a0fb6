//! Moving from SQLite to PostgreSQL while the server runs.
//!
//! Which tables there are, in which order they go and how their changes are found says the list of tables ([`Owner`]).
//!
//! 1. The target is marked as incomplete, so that no server starts on it, and gets the accounts and conversations as they
//!    are now; then all messages, by their ids. How far that went is what is there: it goes on after a kill.
//! 2. What has changed since is transferred like to a client that comes back: of each conversation the rows with a rev
//!    beyond the target's head. What has no numbers is compared and made alike. All that has numbers is then read from
//!    both and compared, conversation by conversation.
//! 3. The pause: SQLite's write lock is held, so that a running server can commit nothing. The rest is transferred and
//!    compared; then the source is marked and sealed by triggers, in the transaction that held the lock.
//! 4. Only after that commit the target's mark is taken away. Killed in between, neither lives, and the next run
//!    ends it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chat::Millis;

use super::{
    compare::{self, number},
    lifecycle::{self, INCOMPLETE, Lifecycle, MOVED, Mark, ORIGIN},
    restore::go_on_counting,
    rows::{self, Given, begin, ended, freeze},
};
use crate::{
    Conn, Db, Error, Result,
    db::{Reading, unhurried},
    tables::{Changes, Owner, TABLES, Table, Tables},
};

/// Rows that are copied at once.
const PAGE: i64 = 5_000;
/// The pause begins when one round transferred fewer rows than this, or after so many rounds.
const FEW: u64 = 500;
const ROUNDS: usize = 10;
/// How long to wait for SQLite's write lock, and for another move to let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where from and where to, as it may be shown.
#[derive(Clone, Debug)]
pub struct Names {
    /// The SQLite database.
    pub from: String,
    /// The PostgreSQL database, without its password.
    pub to: String,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It begins, or goes on after it was stopped.
    Begun {
        /// Whether it goes on.
        again: bool,
    },
    /// The target has the rows of this table up to this id.
    Copied {
        /// The table: of all that are copied by their ids, messages are by far the longest.
        table: &'static str,
        /// The id.
        last: i64,
    },
    /// So many rows with a number, most of them messages, were new or changed since.
    CaughtUp(u64),
    /// All is alike, conversation by conversation.
    Compared {
        /// So many conversations.
        conversations: usize,
    },
    /// Nobody can write from here on.
    Paused,
}

/// The result of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Conversations in the target.
    pub conversations: usize,
    /// Messages in the target.
    pub messages: i64,
    /// The whole time.
    pub took: Duration,
    /// How long nobody could write.
    pub paused: Duration,
}

/// Moves everything; afterwards `from` is sealed and `to` lives. Repeated after it was stopped, it goes on.
///
/// # Errors
/// If `to` is not empty (or half filled by this very move), if something differs in the end, or one of the two
/// cannot be read or written. Then `from` lives as before, unless it was already sealed.
pub async fn run(
    from: &Db,
    to: &Db,
    names: &Names,
    clock: &(dyn Fn() -> Millis + Sync),
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report> {
    run_tables(TABLES, from, to, names, clock, tell).await
}

/// [`run`] with these tables.
pub(super) async fn run_tables(
    tables: Tables,
    from: &Db,
    to: &Db,
    names: &Names,
    clock: &(dyn Fn() -> Millis + Sync),
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report> {
    let began = Instant::now();
    unhurried(move_all(Move { tables, from, names, clock, began }, to, tell)).await
}

async fn move_all(one: Move<'_>, to: &Db, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<Report> {
    let from = one.from;
    if !from.is_sqlite() || to.is_sqlite() {
        return refuse("a move goes from SQLite to PostgreSQL");
    }
    let mut source = from.read().await?;
    if matches!(lifecycle::of(&mut source).await?, Lifecycle::Living) {
        prepare(one.tables, &mut source, to).await?;
    }
    let mut target = alone(to).await?;
    let moved = one.run(source, &mut target, tell).await;
    // The pool gets it back as it was; a connection that is gone has let go by itself.
    let _gone = lifecycle::run(&mut target, "SELECT pg_advisory_unlock_all()".to_owned()).await;
    let _gone = lifecycle::run(&mut target, "RESET ALL".to_owned()).await;
    moved
}

/// Sees to it that both have this program's tables.
async fn prepare(tables: Tables, source: &mut Conn, to: &Db) -> Result<()> {
    let (there, wanted) = (lifecycle::schema(source).await?, crate::schema::schema());
    if there != wanted {
        let told = format!("the database has schema {there}, this program {wanted}: run `palabre migrate` first");
        return Err(Error::Other(told));
    }
    let mut target = to.read().await?;
    if matches!(lifecycle::of(&mut target).await?, Lifecycle::Living) {
        lifecycle::refuse_unless_untouched(&mut target, tables).await?;
    }
    drop(target);
    to.migrate().await
}

/// The target's writing connection, as long as no other move has it.
async fn alone(to: &Db) -> Result<Conn> {
    let mut conn = to.write().await?;
    // The server's writer checks by keys; here whole tables are checked.
    let plans = "SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on";
    // And it waits while the source is read.
    let idle = "SET idle_in_transaction_session_timeout = 0";
    lifecycle::run(&mut conn, format!("{plans}; {idle}")).await?;
    let began = Instant::now();
    loop {
        let mut free = false;
        let lock = "SELECT CAST(pg_try_advisory_lock(7305437) AS TEXT)";
        rows::each(&mut conn, lock.to_owned(), &[], |answer| {
            free = answer == "true";
            Ok(())
        })
        .await?;
        if free {
            return Ok(conn);
        }
        if began.elapsed() > PATIENCE {
            return refuse("another move is writing to this PostgreSQL database");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

struct Move<'a> {
    tables: Tables,
    from: &'a Db,
    names: &'a Names,
    clock: &'a (dyn Fn() -> Millis + Sync),
    began: Instant,
}

impl Move<'_> {
    async fn run(
        &self,
        mut source: Reading,
        target: &mut Conn,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report> {
        let mark = match (lifecycle::of(&mut source).await?, lifecycle::of(target).await?) {
            (Lifecycle::Moved(moved), Lifecycle::Incomplete(mark)) if moved.id == mark.id => {
                return self.finish(target, &mark, Duration::ZERO).await;
            }
            (Lifecycle::Moved(moved), _) => {
                return refuse(&format!("this database was moved to {} already; it lives there", moved.other));
            }
            (Lifecycle::Incomplete(_), _) => return refuse("the SQLite database is not whole"),
            (Lifecycle::Living, Lifecycle::Living) => {
                tell(Progress::Begun { again: false });
                self.begin(&mut source, target).await?
            }
            (Lifecycle::Living, Lifecycle::Incomplete(mark)) if self.history(&mut source).await? == mark.history => {
                tell(Progress::Begun { again: true });
                mark
            }
            (Lifecycle::Living, Lifecycle::Incomplete(mark) | Lifecycle::Moved(mark)) => {
                let whose = mark.other;
                return refuse(&format!("the PostgreSQL database was filled from {whose} and is not whole; empty it"));
            }
        };
        self.copy(&mut source, target, tell).await?;
        let compared = self.compare_all(&mut source, target, tell).await?;
        for _ in 0..ROUNDS {
            freeze(&mut source).await?;
            let transferred = self.catch_up(&mut source, target, false).await;
            source.run("ROLLBACK").await?;
            let transferred = transferred?;
            tell(Progress::CaughtUp(transferred));
            if transferred < FEW {
                break;
            }
        }
        drop(source);
        let paused = self.pause(target, &mark, &compared, tell).await?;
        self.finish(target, &mark, paused).await
    }

    /// The id of the history that is moved, by which a repeated move knows its target again.
    async fn history(&self, source: &mut Conn) -> Result<String> {
        let none = || Error::Other("there is nothing to move: no server has worked on the SQLite database".to_owned());
        crate::db::epoch_in(source).await?.ok_or_else(none)
    }

    /// Marks the target and gives it the accounts and conversations as they are: the others' rows refer to them, and
    /// the conversations' heads say what must be transferred later.
    async fn begin(&self, source: &mut Conn, target: &mut Conn) -> Result<Mark> {
        lifecycle::refuse_unless_untouched(target, self.tables).await?;
        let (id, history) = (crate::db::random_id()?, self.history(source).await?);
        let mark = Mark { id, history, other: self.names.from.clone(), at: (self.clock)().0 };
        freeze(source).await?;
        begin(target).await?;
        let work = async {
            lifecycle::set(target, INCOMPLETE, &mark).await?;
            for table in self.tables.iter().filter(|table| table.owner == Owner::Root) {
                let all = rows::read(source, table, table.name, &[]).await?;
                rows::insert(target, table, &table.columns.iter().collect::<Vec<_>>(), &all).await?;
            }
            Ok(mark)
        }
        .await;
        source.run("ROLLBACK").await?;
        ended(target, work).await
    }

    /// Transfers the tables that can be, each by its ids.
    async fn copy(&self, source: &mut Conn, target: &mut Conn, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<()> {
        for table in self.tables {
            if let Some(id) = copied_by(table) {
                copy_table(source, target, table, id, tell).await?;
            }
        }
        Ok(())
    }

    /// Transfers what was not copied and what has changed, and compares all numbered rows of both. Returns the heads up
    /// to which both are alike.
    async fn compare_all(
        &self,
        source: &mut Conn,
        target: &mut Conn,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<BTreeMap<i64, i64>> {
        freeze(source).await?;
        let work = async {
            tell(Progress::CaughtUp(self.catch_up(source, target, true).await?));
            let heads = same("head", compare::heads(source).await?, compare::heads(target).await?)?;
            self.same_counts(source, target).await?;
            let (here, there) =
                tokio::try_join!(compare::tallies(source, self.tables), compare::tallies(target, self.tables))?;
            same("checksum", here.into_iter().collect(), there.into_iter().collect())?;
            tell(Progress::Compared { conversations: heads.len() });
            Ok(heads)
        }
        .await;
        source.run("ROLLBACK").await?;
        // Its statistics are of an empty database; until they are gathered anew it would choose slow plans.
        lifecycle::run(target, "ANALYZE".to_owned()).await?;
        work
    }

    /// How many rows each conversation has of each table whose rows name it, if both have as many.
    async fn same_counts(&self, source: &mut Conn, target: &mut Conn) -> Result<()> {
        let by_conversation = |table: &&Table| table.is_numbered() && matches!(table.owner, Owner::Conversation(..));
        for table in self.tables.iter().filter(by_conversation) {
            let (here, there) = (compare::counts(source, table).await?, compare::counts(target, table).await?);
            same(&format!("count of {} in", table.name), here, there)?;
        }
        Ok(())
    }

    /// Transfers what `source` has and `target` has not, in one transaction. `source` must not change meanwhile. The
    /// first time that is all of the tables that were not copied. Returns how many numbered rows that were.
    async fn catch_up(&self, source: &mut Conn, target: &mut Conn, first: bool) -> Result<u64> {
        begin(target).await?;
        let work = self.transfer_changes(source, target, first).await;
        ended(target, work).await
    }

    async fn transfer_changes(&self, source: &mut Conn, target: &mut Conn, first: bool) -> Result<u64> {
        let grown = Grown::between(&compare::heads(source).await?, &compare::heads(target).await?);
        let mut transferred = 0;
        // In the order of the list: each row finds those that it refers to.
        for table in self.tables {
            match table.owner {
                Owner::Server | Owner::Root => alike(source, target, table, "1 = 1", &[]).await?,
                Owner::Account(column) | Owner::Conversation(column, Changes::Unnumbered) => {
                    alike_in_parts(source, target, table, column).await?;
                }
                Owner::Conversation(column, _) | Owner::Message(column) if first && copied_by(table).is_none() => {
                    alike_in_parts(source, target, table, column).await?;
                }
                Owner::Conversation(..) => transferred += self.transfer_rows(source, target, table, &grown).await?,
                Owner::Message(column) => self.transfer_with_messages(source, target, table, column, &grown).await?,
            }
        }
        Ok(transferred)
    }

    /// Transfers a table's rows of conversations that were made or changed since.
    async fn transfer_rows(&self, source: &mut Conn, target: &mut Conn, table: &Table, grown: &[Grown]) -> Result<u64> {
        let place = compare::changed(self.tables, table)?;
        let mut transferred = 0;
        for one in grown {
            let changed = rows::read(source, table, &place, &one.given()).await?;
            rows::replace(target, table, &changed).await?;
            transferred += changed.len() as u64;
        }
        Ok(transferred)
    }

    /// Makes those rows alike whose messages, which are transferred already, were made or changed since.
    async fn transfer_with_messages(
        &self,
        source: &mut Conn,
        target: &mut Conn,
        table: &Table,
        column: &str,
        grown: &[Grown],
    ) -> Result<()> {
        let condition = format!("{column} IN ({})", compare::changed_messages(self.tables)?);
        for one in grown {
            alike(source, target, table, &condition, &one.given()).await?;
        }
        Ok(())
    }

    /// Keeps everybody from writing, transfers and compares the rest, and seals the source. Returns how long that took.
    async fn pause(
        &self,
        target: &mut Conn,
        mark: &Mark,
        compared: &BTreeMap<i64, i64>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Duration> {
        let mut source = self.from.write().await?;
        lock(&mut source).await?;
        let began = Instant::now();
        tell(Progress::Paused);
        let work = async {
            if lifecycle::of(&mut source).await? != Lifecycle::Living {
                return refuse("the SQLite database was moved by somebody else meanwhile");
            }
            self.catch_up(&mut source, target, false).await?;
            self.compare_rest(&mut source, target, compared).await?;
            go_on_counting(target, &self.tables.iter().collect::<Vec<_>>()).await?;
            let moved = Mark { other: self.names.to.clone(), at: (self.clock)().0, ..mark.clone() };
            lifecycle::set(&mut source, MOVED, &moved).await?;
            lifecycle::seal(&mut source, self.tables).await
        }
        .await;
        ended(&mut source, work).await?;
        Ok(began.elapsed())
    }

    /// Compares what was transferred since all was compared, and everything that can be compared quickly.
    async fn compare_rest(&self, source: &mut Conn, target: &mut Conn, compared: &BTreeMap<i64, i64>) -> Result<()> {
        let heads = same("head", compare::heads(source).await?, compare::heads(target).await?)?;
        self.same_counts(source, target).await?;
        for Grown { conversation, since } in Grown::between(&heads, compared) {
            let here = compare::tally_after(source, self.tables, conversation, since).await?;
            let there = compare::tally_after(target, self.tables, conversation, since).await?;
            same("checksum", BTreeMap::from([(conversation, here)]), BTreeMap::from([(conversation, there)]))?;
        }
        for table in self.tables.iter().filter(|table| !table.is_numbered()) {
            let differ = match table.owner.named_by() {
                Some((_, column)) => differ_in_parts(source, target, table, column).await?,
                None => !compare::differences(source, target, table, "1 = 1", &[]).await?.is_empty(),
            };
            if differ {
                return refuse(&format!("{} differs between the two databases; nothing was moved", table.name));
            }
        }
        Ok(())
    }

    /// The target is whole and the source sealed: the target lives.
    async fn finish(&self, target: &mut Conn, mark: &Mark, paused: Duration) -> Result<Report> {
        begin(target).await?;
        let work = async {
            lifecycle::unset(target, INCOMPLETE).await?;
            lifecycle::set(target, ORIGIN, mark).await
        }
        .await;
        ended(target, work).await?;
        let counts = compare::counts(target, compare::messages(self.tables)?).await?;
        let conversations = compare::heads(target).await?.len();
        Ok(Report { conversations, messages: counts.values().sum(), took: self.began.elapsed(), paused })
    }
}

/// Goes back to the SQLite database that was moved away: gives the PostgreSQL database up, and lets the other live
/// again. Refused if something was written there since, unless that is to be abandoned; then `to` may also be absent.
///
/// # Errors
/// If `from` was not moved to `to`, or `to` has changed.
pub async fn back(from: &Db, to: Option<&Db>, abandon: bool, now: Millis) -> Result<()> {
    back_tables(TABLES, from, to, abandon, now).await
}

/// [`back`] with these tables.
pub(super) async fn back_tables(tables: Tables, from: &Db, to: Option<&Db>, abandon: bool, now: Millis) -> Result<()> {
    let mut source = from.write().await?;
    let Lifecycle::Moved(moved) = lifecycle::of(&mut source).await? else {
        return refuse("this database was not moved away");
    };
    match to {
        Some(to) => {
            let mut target = to.write().await?;
            begin(&mut target).await?;
            let given_up = Mark { id: format!("-{}", moved.id), history: String::new(), at: now.0, ..moved.clone() };
            let work = give_up(tables, &mut source, &mut target, (&moved, &given_up), abandon).await;
            ended(&mut target, work).await?;
        }
        None if abandon => {}
        None => return refuse("where it lives now must be said, or be abandoned"),
    }
    begin(&mut source).await?;
    let work = async {
        lifecycle::unseal(&mut source, tables).await?;
        lifecycle::unset(&mut source, MOVED).await
    }
    .await;
    ended(&mut source, work).await
}

async fn give_up(
    tables: Tables,
    source: &mut Conn,
    target: &mut Conn,
    (moved, given_up): (&Mark, &Mark),
    abandon: bool,
) -> Result<()> {
    let mark = match lifecycle::of(target).await? {
        Lifecycle::Incomplete(mark) => Some(mark),
        _ => lifecycle::mark(target, ORIGIN).await?,
    };
    if mark.as_ref().map(|mark| &mark.id) != Some(&moved.id) {
        // Given up before, by a run that was stopped then.
        let before = mark.is_some_and(|mark| mark.history.is_empty() && mark.id == given_up.id);
        return if before { Ok(()) } else { refuse("the PostgreSQL database is not the one that this was moved to") };
    }
    lifecycle::set(target, INCOMPLETE, given_up).await?;
    // From here on nobody writes to it.
    lifecycle::seal(target, tables).await?;
    if !abandon && compare::heads(source).await? != compare::heads(target).await? {
        return refuse("what was written to PostgreSQL since the move would be lost; `--abandon` does that");
    }
    Ok(())
}

/// A conversation that has changed since its numbers were transferred up to `since`.
struct Grown {
    conversation: i64,
    since: i64,
}

impl Grown {
    /// Those whose heads here are others than there.
    fn between(here: &BTreeMap<i64, i64>, there: &BTreeMap<i64, i64>) -> Vec<Self> {
        let since = |conversation: &i64| there.get(conversation).copied().unwrap_or_default();
        let grown = here.iter().filter(|(conversation, head)| since(conversation) != **head);
        grown.map(|(conversation, _)| Self { conversation: *conversation, since: since(conversation) }).collect()
    }

    fn given(&self) -> [Given<'static>; 2] {
        [Given::Number(self.conversation), Given::Number(self.since)]
    }
}

/// The id by which a table is copied before anything is compared: of those whose changes since then will be found by
/// their numbers.
fn copied_by(table: &Table) -> Option<&'static str> {
    match table.owner {
        Owner::Conversation(_, Changes::Rev | Changes::SeqAndRev) => table.id(),
        _ => None,
    }
}

/// Copies a table, the least ids first, each page in a transaction of its own.
async fn copy_table(
    source: &mut Conn,
    target: &mut Conn,
    table: &'static Table,
    id: &str,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<()> {
    let columns: Vec<_> = table.columns.iter().collect();
    let place = format!("{} WHERE {id} > $1 ORDER BY {id} LIMIT CAST($2 AS BIGINT)", table.name);
    loop {
        let last = compare::last(target, table, id).await?;
        let page = rows::read(source, table, &place, &[Given::Number(last), Given::Number(PAGE)]).await?;
        let Some(newest) = page.last().map(|row| number(row, 0)) else { return Ok(()) };
        let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        begin(target).await?;
        let work = rows::insert(target, table, &columns, &page).await;
        ended(target, work).await?;
        tell(Progress::Copied { table: table.name, last: newest });
        // Messages that come meanwhile are transferred with the changes; following them here would have no end.
        if is_last {
            return Ok(());
        }
    }
}

/// Makes a table (or the part of it for which `condition` holds) like the one of the source.
async fn alike(
    source: &mut Conn,
    target: &mut Conn,
    table: &Table,
    condition: &str,
    given: &[Given<'_>],
) -> Result<()> {
    let differences = compare::differences(source, target, table, condition, given).await?;
    rows::delete(target, table, &differences.gone).await?;
    // Two may have exchanged what must be unique; so it is first taken from both.
    rows::empty_exchanged(target, table, &differences.put).await?;
    rows::replace(target, table, &differences.put).await
}

/// The same of a whole table, one part after the other.
async fn alike_in_parts(source: &mut Conn, target: &mut Conn, table: &Table, column: &str) -> Result<()> {
    for (after, last) in compare::parts(source, table, column).await? {
        let within = [Given::Number(after), Given::Number(last)];
        alike(source, target, table, &format!("{column} > $1 AND {column} <= $2"), &within).await?;
    }
    Ok(())
}

/// Whether a table differs, looked at in the same parts.
async fn differ_in_parts(source: &mut Conn, target: &mut Conn, table: &Table, column: &str) -> Result<bool> {
    for (after, last) in compare::parts(source, table, column).await? {
        let within = [Given::Number(after), Given::Number(last)];
        let condition = format!("{column} > $1 AND {column} <= $2");
        if !compare::differences(source, target, table, &condition, &within).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The values of both, if they are alike; an error with the conversations that differ, if not.
fn same<T: PartialEq>(what: &str, here: BTreeMap<i64, T>, there: BTreeMap<i64, T>) -> Result<BTreeMap<i64, T>> {
    if here == there {
        return Ok(here);
    }
    let differ = |id: &&i64| here.get(id) != there.get(id);
    let ids: Vec<String> = here.keys().chain(there.keys()).filter(differ).take(10).map(i64::to_string).collect();
    let told = format!("the {what} of these conversations differs: {}; nothing was moved", ids.join(", "));
    Err(Error::Other(told))
}

/// Takes SQLite's write lock. A busy server lets go of it between its commits.
async fn lock(source: &mut Conn) -> Result<()> {
    let began = Instant::now();
    loop {
        match begin(source).await {
            Err(Error::Unavailable(_)) if began.elapsed() < PATIENCE => {}
            ended => return ended,
        }
    }
}

fn refuse<T>(why: &str) -> Result<T> {
    Err(Error::Other(why.to_owned()))
}
