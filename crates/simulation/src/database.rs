//! The database of all nodes: the real store and the real engine on a real SQLite file, one operation at a time.
//!
//! PostgreSQL serialises the transactions of several nodes in each conversation; here SQLite does it, because the nodes
//! of a world take turns. Each world has people and rooms of its own, so that one file serves thousands of worlds.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chat::{
    Command, ConversationId, Limits, Millis, Number, Outgoing, Query, Reply, UserId,
    accounts::{Profile, ServerRole, Speaker},
    conversations::{Listed, Visibility},
    members::Member,
    messages::{Anchor, Page, View},
    presence::{Presence, Seen},
    reply::{AccountChanges, CaughtUp},
};
use engine::{Engine, Extent, Keys, Settings, Wanted};
use futures_util::future::join_all;
use promises::{Facts, Known, KnownAccount};
use store::{Committed, Db, Invalidation, Options, Writer, invalidations::Kept, members::Belongings};
use tokio::{runtime::Runtime, sync::mpsc};

/// Changes in one catch-up answer: few, so that clients must often read a conversation again.
const CATCH_UP: i64 = 25;
/// Bytes in one piece of a catch-up answer: two or three messages.
const PIECE: i64 = 1_200;
/// Batches that the writer may hand over before any is taken.
const BATCHES: usize = 1_024;
/// Invalidations that are read at once.
const INVALIDATIONS: i64 = 2_000;

type Batch = (Committed, Vec<Box<dyn FnOnce() + Send>>);

/// A SQLite file with the parts of a server that write and read it.
pub struct Database {
    runtime: Runtime,
    db: Db,
    engine: Engine,
    writer: Writer,
    batches: mpsc::Receiver<Batch>,
    clock: Arc<AtomicI64>,
    folder: PathBuf,
    /// How many rooms were ever opened; it makes their names unique.
    rooms: u64,
}

/// The people of a world, and the rooms that they talk in.
#[derive(Clone, Debug)]
pub(crate) struct Town {
    pub people: Vec<Speaker>,
    pub rooms: Vec<ConversationId>,
}

/// A conversation as it was read in full, at one number.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub page: Page,
    pub members: Vec<Member>,
}

impl Snapshot {
    /// The state of a client that has just read the conversation.
    pub(crate) fn known(&self) -> Known<Facts> {
        Known::read(self.page.head, (), self.members.iter().cloned(), self.page.messages.iter().cloned())
    }
}

impl Database {
    /// Makes a fresh database in this folder, which is removed when it is dropped.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let url = format!("sqlite:{}", folder.join("simulation.db").display());
        let clock = Arc::new(AtomicI64::new(0));
        let (outlet, batches) = mpsc::channel(BATCHES);
        let (db, engine, writer) = runtime.block_on(async {
            let options = Options { url, readers: 1, connect_timeout: Duration::from_secs(30) };
            let db = Db::open(&options).await?;
            db.migrate().await?;
            let time = clock.clone();
            let clock: engine::Clock = Arc::new(move || Millis(time.load(Ordering::Relaxed)));
            let (writer, _task) = Writer::start(db.clone(), clock.clone(), outlet);
            let here: engine::Here = Arc::new(|_| Seen { presence: Presence::Online, last_seen_at: None });
            anyhow::Ok((db.clone(), Engine::new(db, writer.clone(), clock, here, settings()), writer))
        })?;
        Ok(Self { runtime, db, engine, writer, batches, clock, folder: folder.to_owned(), rooms: 0 })
    }

    /// Sets the clock that the next operation uses.
    pub(crate) fn set_clock(&self, millis: i64) {
        self.clock.store(millis, Ordering::Relaxed);
    }

    /// Creates people, and public rooms that the first of them owns; returns them with what was published for the
    /// rooms.
    pub(crate) fn found(&mut self, people: usize, rooms: usize) -> anyhow::Result<(Town, Vec<Outgoing>)> {
        let first = self.rooms;
        let names: Vec<String> = (0..people).map(|person| format!("person-{first}-{person}")).collect();
        let written = names.clone();
        let profile = Profile::default();
        let writing = self.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let mut ids = Vec::new();
                for username in &written {
                    let new = store::accounts::NewAccount {
                        id: None,
                        username,
                        email: None,
                        password_hash: None,
                        role: ServerRole::User,
                        profile: &profile,
                    };
                    let now = unit.now;
                    ids.push(store::accounts::create(&mut unit.conn, &new, now).await?);
                }
                Ok(ids)
            })
        });
        let batches = &mut self.batches;
        let ids = self.runtime.block_on(async { tokio::join!(writing, hand_over(batches)).0 })?;
        let speakers = ids.into_iter().zip(names).map(|(user, name)| Speaker {
            user,
            username: name.clone(),
            shown_name: name,
            role: ServerRole::User,
            session: None,
        });
        let mut town = Town { people: speakers.collect(), rooms: Vec::new() };
        let mut opened = Vec::new();
        for _ in 0..rooms {
            self.rooms += 1;
            let name = format!("room {}", self.rooms);
            let open = Command::CreateRoom { name, topic: None, visibility: Visibility::Public, client_id: None };
            let owner = town.people.first().cloned().context("a town without people")?;
            let (told, mut replies) = self.commit(vec![(owner, open)]);
            opened.extend(told);
            match replies.pop() {
                Some(Ok(Reply::Conversation(listed))) => town.rooms.push(listed.conversation.id),
                _ => anyhow::bail!("a room could not be opened"),
            }
        }
        Ok((town, opened))
    }

    /// Executes all commands in one transaction: returns what was committed, and the answer to each command.
    pub(crate) fn commit(&mut self, commands: Vec<(Speaker, Command)>) -> (Vec<Outgoing>, Vec<chat::Result<Reply>>) {
        let engine = &self.engine;
        let batches = &mut self.batches;
        self.runtime.block_on(async {
            // The commands are polled in order before the writer is, so that it finds all of them in its queue.
            let mut work = Box::pin(join_all(
                commands
                    .into_iter()
                    .map(|(speaker, command)| async move { engine.execute(&speaker, command, None).await }),
            ));
            let mut told = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    replies = &mut work => return (told, replies),
                    batch = batches.recv() => {
                        let Some((committed, answers)) = batch else { continue };
                        told.extend(committed);
                        answers.into_iter().for_each(|answer| answer());
                    }
                }
            }
        })
    }

    /// The number that somebody's account has reached, and the conversations that they belong to.
    pub(crate) fn belongings(&self, user: UserId) -> chat::Result<Belongings> {
        let mut found = self.runtime.block_on(self.engine.belongings(user))?;
        found.memberships.sort_by_key(|belonging| belonging.conversation);
        Ok(found)
    }

    /// A conversation as this person sees it, if they belong to it.
    pub(crate) fn listed(&self, user: UserId, conversation: ConversationId) -> chat::Result<Option<Listed>> {
        self.runtime.block_on(self.engine.listed_for(user, conversation))
    }

    /// The changes of an account after a number.
    pub(crate) fn account_changes(&self, user: UserId, since: Number) -> chat::Result<AccountChanges> {
        self.runtime.block_on(self.engine.account_changes(user, since, Extent::Whole))
    }

    /// The next piece of the changes of an account after a number.
    pub(crate) fn account_piece(&self, user: UserId, since: Number) -> chat::Result<AccountChanges> {
        self.runtime.block_on(self.engine.account_changes(user, since, Extent::Piece))
    }

    /// An account as its person reads it in full.
    pub(crate) fn account(&self, speaker: &Speaker) -> chat::Result<KnownAccount<Facts>> {
        let user = speaker.user;
        self.runtime.block_on(async {
            let belongings = self.engine.belongings(user).await?;
            let me = self.engine.ask(speaker, Query::Me).await?;
            let drafts = self.engine.ask(speaker, Query::Drafts).await?;
            let (Reply::Account(me), Reply::Drafts(drafts)) = (me, drafts) else {
                return Err(chat::Error::internal());
            };
            let ids: Vec<ConversationId> = belongings.memberships.iter().map(|one| one.conversation).collect();
            let mut conn = self.db.read().await.map_err(chat::Error::from)?;
            let list = store::listing::entries(&mut conn, user, &ids).await.map_err(chat::Error::from)?;
            let settings: Vec<_> =
                list.iter().map(|entry| (entry.conversation.id, format!("{:?}", entry.settings))).collect();
            let notifications = store::notifications::of(&mut conn, user).await.map_err(chat::Error::from)?;
            let list = list.into_iter().map(|entry| (entry.conversation.id, entry.hidden));
            let drafts = drafts.into_iter().map(|draft| (draft.key, draft));
            let threads = store::threads::followed(&mut conn, user, false, None, i64::MAX).await;
            let threads = threads.map_err(chat::Error::from)?.into_iter().map(|entry| entry.following);
            let known = KnownAccount::read(belongings.account, Some(*me), list, drafts).with_threads(threads);
            Ok(known.with_settings(settings, format!("{notifications:?}")))
        })
    }

    /// Those of these people who are members of a conversation.
    pub(crate) fn among(&self, users: &[UserId], conversation: ConversationId) -> chat::Result<BTreeSet<UserId>> {
        let among = self.runtime.block_on(self.engine.among(users, &[conversation]))?;
        Ok(among.into_iter().map(|(_, user, _)| user).collect())
    }

    /// The heads of these conversations.
    pub(crate) fn heads(&self, conversations: &[ConversationId]) -> chat::Result<Vec<(ConversationId, Number)>> {
        let mut heads = self.runtime.block_on(self.engine.heads(conversations))?;
        heads.sort_unstable();
        Ok(heads)
    }

    /// The place of the newest invalidation.
    pub(crate) fn newest_invalidation(&self) -> chat::Result<i64> {
        self.runtime.block_on(async { Ok(store::invalidations::newest(&mut *self.db.read().await?).await?) })
    }

    /// The invalidations after a place.
    pub(crate) fn invalidations(&self, after: i64) -> chat::Result<Vec<Kept>> {
        self.runtime.block_on(async {
            Ok(store::invalidations::after(&mut *self.db.read().await?, after, INVALIDATIONS).await?)
        })
    }

    /// Writes to the database that a node cannot publish.
    pub(crate) fn say_mute(&mut self) -> chat::Result<()> {
        let (node, batches) = (self.db.node(), &mut self.batches);
        let saying = self.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                Ok(store::invalidations::add(&mut unit.conn, &[Invalidation::Mute], node, unit.now).await?)
            })
        });
        self.runtime.block_on(async { tokio::join!(saying, hand_over(batches)).0 })
    }

    /// The changes that bring a conversation's members from a number to the present.
    pub(crate) fn changes(&self, conversation: ConversationId, since: Number) -> chat::Result<CaughtUp> {
        let wanted = Wanted { since, visible_from: Number(0), extent: Extent::Whole };
        self.runtime.block_on(self.engine.changes_for_members(conversation, wanted))
    }

    /// The next piece of the changes after a number. Pieces are small, so that many worlds have several.
    pub(crate) fn piece(&self, conversation: ConversationId, since: Number) -> chat::Result<CaughtUp> {
        let wanted = Wanted { since, visible_from: Number(0), extent: Extent::Piece };
        self.runtime.block_on(self.engine.changes_for_members(conversation, wanted))
    }

    /// The conversation as one of its members reads it in full.
    pub(crate) fn snapshot(&self, speaker: &Speaker, conversation: ConversationId) -> chat::Result<Snapshot> {
        let limit = i64::MAX;
        let history = Query::History { conversation, view: View::All, anchor: Anchor::Latest, limit };
        let members = Query::Members { conversation, after: None, limit };
        self.runtime.block_on(async {
            let (history, members) =
                (self.engine.ask(speaker, history).await?, self.engine.ask(speaker, members).await?);
            match (history, members) {
                (Reply::History(page), Reply::Members { members, .. }) => Ok(Snapshot { page, members }),
                _ => Err(chat::Error::internal()),
            }
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // It does no harm if a temporary folder remains.
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// Takes the next batch and gives its answers.
async fn hand_over(batches: &mut mpsc::Receiver<Batch>) {
    if let Some((_, answers)) = batches.recv().await {
        answers.into_iter().for_each(|answer| answer());
    }
}

fn settings() -> Settings {
    let limits = Limits {
        catch_up: CATCH_UP,
        catch_up_bytes: PIECE,
        history_page: 1_000,
        list_page: 1_000,
        ..Limits::default()
    };
    Settings {
        name: "A world".into(),
        limits,
        paces: Vec::new(),
        keys: Keys::new(b"the simulation signs nothing", None),
        access_seconds: 600,
        idle_seconds: 600,
        session_seconds: 600,
        open_registration: false,
        hosts: Vec::new(),
        waiting_log_ins: 1,
        files: None,
        previews: false,
        setup_secret: None,
        push: None,
        asks_further: None,
        shared: true,
    }
}
