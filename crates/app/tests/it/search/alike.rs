//! Random talk and random searches: both databases find the same, and what a naive search over the rows finds, whatever
//! was edited, deleted, left and hidden meanwhile; and while the index is behind, nothing that may not be found.
//!
//! `PALABRE_SEARCHES` says how many searches there are on each database; `PALABRE_SEED` gives another talk.

#[path = "../../../../store/tests/it/chance.rs"]
mod chance;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use chat::{
    Command, ConversationId, Error, FileId, Millis, Number, Query, Reply, UserId,
    accounts::{Profile, ServerRole, Speaker},
    conversations::{Kind, Visibility},
    files::File,
    members::Role,
    messages::{Message, MessageType, Submission},
    policies::Ability,
    presence::{Presence, Seen},
    search::{Has, Order, Phrase, has_link, matching::matched_in},
};
use engine::Engine;
use palabre::{config::Config, parts};
use store::{Db, Options, Writer};
use tokio::sync::mpsc;

use chance::{Chance, WORDS};

/// Searches on each database, if nothing is asked for.
const SEARCHES: u64 = 400;
/// How often there is talk, the index follows, and there are searches.
const ROUNDS: u64 = 10;
/// So many things are done in a round.
const DEEDS: u64 = 80;
const DAY: i64 = 86_400_000;
/// 2026-01-01.
const BEGIN: i64 = 20_454 * DAY;
const PEOPLE: [&str; 5] = ["ann", "bob", "cleo", "dan", "eve"];
/// Words that are looked for, as they can be typed without quotes.
const ASKED: &[&str] = &[
    "garden",
    "GARTEN",
    "l'été",
    "ete",
    "the",
    "weather",
    "STRASSE",
    "東京",
    "東",
    "京",
    "大東京工",
    "كتاب",
    "한국",
    "어",
    "🎉",
    "👍",
    "https://example.com/a_b",
    "example.com",
    "std::vec",
    "3.14",
    "C++",
    "AND",
    "NEAR",
    "x'y",
    "naive",
    "fine",
    "สวัส",
    "हिन्दी",
    "שלום",
    "елка",
    "kitchen",
    "nowhere",
];

impl Chance {
    /// Whether it comes to pass, in so many of a hundred cases.
    fn is(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A database with its engine, in which people talk.
struct World {
    db: Db,
    engine: Engine,
    writer: Writer,
    clock: Arc<AtomicI64>,
    people: Vec<Speaker>,
    places: Vec<ConversationId>,
    said: Vec<(ConversationId, Number, usize)>,
}

/// A search, in words and as what it means.
struct Question {
    q: String,
    words: Vec<Phrase>,
    not: Vec<Phrase>,
    from: Option<UserId>,
    within: Option<ConversationId>,
    since: i64,
    until: i64,
    link: bool,
    file: Option<Has>,
    reaction: bool,
    edited: bool,
    kind: Option<Kind>,
    order: Order,
    limit: i64,
}

impl World {
    async fn begins(url: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("alike"));
        let mut config = Config::in_folder(&folder);
        for rate in [
            &mut config.limits.messages_per_minute,
            &mut config.limits.message_burst,
            &mut config.limits.requests_per_minute,
            &mut config.limits.request_burst,
            &mut config.limits.searches_per_minute,
            &mut config.limits.search_burst,
        ] {
            *rate = 1_000_000_000;
        }
        config.limits.search_ms = 60_000;
        std::fs::create_dir_all(&config.data.dir).expect("a folder");
        let settings = parts::engine_settings(&config, None).expect("settings");
        let db =
            Db::open(&Options { url: url.to_owned(), readers: 2, connect_timeout: std::time::Duration::from_secs(10) })
                .await
                .expect("a database");
        db.migrate().await.expect("tables");
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let time = clock.clone();
        let now: engine::Clock = Arc::new(move || Millis(time.load(Ordering::Relaxed)));
        let (outlet, mut batches) = mpsc::channel::<(store::Committed, Vec<Box<dyn FnOnce() + Send>>)>(64);
        tokio::spawn(async move {
            while let Some((_, answers)) = batches.recv().await {
                answers.into_iter().for_each(|answer| answer());
            }
        });
        let (writer, _task) = Writer::start(db.clone(), now.clone(), outlet);
        let people = people(&writer).await;
        let here: engine::Here = Arc::new(|_| Seen { presence: Presence::Online, last_seen_at: None });
        let engine = Engine::new(db.clone(), writer.clone(), now, here, settings);
        let mut world = Self { db, engine, writer, clock, people, places: Vec::new(), said: Vec::new() };
        world.opens_places().await;
        store::search::check_version(&world.db).await.expect("an index");
        world
    }

    /// Public and private rooms, a group and a direct conversation.
    async fn opens_places(&mut self) {
        let room = |name: &str, visibility| Command::CreateRoom {
            name: name.into(),
            topic: None,
            visibility,
            client_id: None,
        };
        let others = vec![self.people[1].user, self.people[2].user];
        for command in [
            room("garden", Visibility::Public),
            room("tool shed", Visibility::Public),
            room("cellar", Visibility::Private),
            Command::CreateGroup { name: Some("friends".into()), members: others.clone(), client_id: None },
            Command::OpenDirect { user: others[0] },
        ] {
            let Ok(Reply::Conversation(listed)) = self.does(0, command).await else { panic!("it cannot be opened") };
            self.places.push(listed.conversation.id);
        }
    }

    async fn does(&self, who: usize, command: Command) -> chat::Result<Reply> {
        self.engine.execute(&self.people[who], command, None).await
    }

    /// Somebody does something; most refusals are as good as anything.
    async fn goes_on(&mut self, chance: &mut Chance) -> Result<(), Error> {
        self.clock.fetch_add(3 * 3_600_000, Ordering::Relaxed);
        let who = chance.below(PEOPLE.len());
        let conversation = *chance.of(&self.places);
        let other = chance.of(&self.people).user;
        let earlier = (!self.said.is_empty()).then(|| *chance.of(&self.said));
        let command = match (chance.below(100), earlier) {
            (0..=9, Some((conversation, seq, author))) => {
                let edit = Command::EditMessage { conversation, seq, text: chance.text(9) };
                return self.does(author, edit).await.map(|_| ());
            }
            (10..=16, Some((conversation, seq, author))) => {
                return self.does(author, Command::DeleteMessage { conversation, seq }).await.map(|_| ());
            }
            (17..=22, Some((conversation, seq, _))) => Command::AddReaction { conversation, seq, emoji: "👍".into() },
            (23..=31, _) => Command::JoinConversation(conversation),
            (32..=33, _) => Command::LeaveConversation(conversation),
            (34..=38, _) => return self.does(0, Command::AddMember { conversation, user: other }).await.map(|_| ()),
            (39..=41, _) => return self.does(0, Command::RemoveMember { conversation, user: other }).await.map(|_| ()),
            (42..=45, _) => {
                let role = chance.is(60).then_some(Role::Moderator);
                return engine::policies::set_rule(&self.engine, conversation, Ability::SeeEarlierHistory, role).await;
            }
            _ => {
                let (text, message_type) = (chance.text(9), MessageType::default());
                let files = if chance.is(15) { vec![self.uploads(who, chance).await] } else { Vec::new() };
                let send = Submission {
                    conversation,
                    client_id: None,
                    message_type,
                    text,
                    parent: None,
                    files,
                    target: chat::threads::Target::Unaware,
                    ..Submission::default()
                };
                let Reply::Sent(sent) = self.does(who, Command::SendMessage(send)).await? else { return Ok(()) };
                self.said.push((conversation, sent.seq, who));
                return Ok(());
            }
        };
        self.does(who, command).await.map(|_| ())
    }

    /// Somebody has a file that waits for its message; of its bytes only the type is looked at.
    async fn uploads(&self, who: usize, chance: &mut Chance) -> FileId {
        let id = FileId::of(std::array::from_fn(|_| u8::try_from(chance.below(256)).unwrap_or_default()));
        let (ending, media_type) = *chance.of(&[("png", "image/png"), ("pdf", "application/pdf")]);
        let name = format!("{} {}.{ending}", chance.of(WORDS), chance.of(WORDS));
        let (size, sha256, pixels) = (1, "0".repeat(64), None);
        let file = File { id, name, media_type: media_type.into(), size, sha256, pixels, blurhash: None, voice: None };
        let owner = self.people[who].user;
        let added = self.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let now = unit.now;
                Ok(store::files::add(&mut unit.conn, owner, &file, now).await?)
            })
        });
        added.await.expect("a file");
        id
    }

    async fn index_follows(&self) {
        store::search::look(&self.db).await.expect("the leases");
        let held = store::search::look(&self.db).await.expect("the leases").shards;
        loop {
            let behind = store::search::behind(&self.db, held).await.expect("what is behind");
            let behind: Vec<ConversationId> = behind.into_iter().map(|(id, _)| id).collect();
            if behind.is_empty() {
                return;
            }
            store::search::pass(&self.db, &behind, 1_000).await.expect("a pass");
        }
    }

    /// The places that are found, page by page.
    async fn finds(&self, who: usize, question: &Question) -> Vec<Place> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let query = Query::Search {
                q: question.q.clone(),
                utc_offset: 0,
                conversation: None,
                order: question.order,
                after,
                limit: question.limit,
            };
            let reply = self.engine.ask(&self.people[who], query).await;
            let Ok(Reply::Found { hits, next }) = reply else { panic!("{}: {:?}", question.q, reply.err()) };
            found.extend(hits.iter().map(|hit| place(&hit.message)));
            after = next;
            if after.is_none() {
                return found;
            }
        }
    }

    /// The places that a search without an index finds: of every conversation of somebody, every message, one by one.
    async fn naive(&self, who: usize, question: &Question) -> Vec<Place> {
        let mut found = Vec::new();
        for id in &self.places {
            let listed = self.engine.ask(&self.people[who], Query::Conversation(*id)).await;
            let Ok(Reply::Conversation(listed)) = listed else { continue };
            let mut conn = self.db.read().await.expect("a connection");
            let all = store::messages::before(&mut conn, *id, Number(1 << 40), Number(0), 100_000).await.expect("rows");
            for message in all.iter().filter(|message| message.seq >= listed.visible_from) {
                if let Some(score) = question.means(message, listed.conversation.kind) {
                    found.push((score, message.id, place(message)));
                }
            }
        }
        match question.order {
            Order::Newest => found.sort_unstable_by_key(|(_, id, _)| std::cmp::Reverse(*id)),
            Order::Best => found.sort_unstable_by_key(|(score, id, _)| std::cmp::Reverse((*score, *id))),
        }
        found.into_iter().map(|(_, _, place)| place).collect()
    }

    /// Somebody's question; names that mean nothing to them find nothing.
    fn question(&self, who: usize, chance: &mut Chance) -> Question {
        let mut question = Question {
            q: String::new(),
            words: Vec::new(),
            not: Vec::new(),
            from: None,
            within: None,
            since: 0,
            until: i64::MAX,
            link: false,
            file: None,
            reaction: chance.is(4),
            edited: chance.is(6),
            kind: None,
            order: if chance.is(40) { Order::Best } else { Order::Newest },
            limit: 1 + chance.below(50) as i64,
        };
        let mut parts: Vec<String> = Vec::new();
        for _ in 0..1 + chance.below(4) / 3 {
            parts.push(question.adds_words(chance, false));
        }
        if chance.is(20) {
            parts.push(question.adds_words(chance, true));
        }
        if chance.is(15) {
            let author = chance.of(&self.people);
            let is_own = author.user == self.people[who].user && chance.is(50);
            parts.push(format!("from:{}", if is_own { "me" } else { &author.username }));
            question.from = Some(author.user);
        }
        if chance.is(20) {
            let at = chance.below(self.places.len());
            let names = ["garden", "\"Tool Shed\"", "cellar", "", "@bob"];
            let is_named = !names[at].is_empty() && (at != 4 || who == 0) && chance.is(50);
            parts.push(if is_named { format!("in:{}", names[at]) } else { format!("in:{}", self.places[at]) });
            question.within = Some(self.places[at]);
        }
        if chance.is(10) {
            let today = self.clock.load(Ordering::Relaxed).div_euclid(DAY);
            let day = today - chance.below(90) as i64;
            parts.push(question.adds_day(day, chance.below(3)));
        }
        if chance.is(10) {
            parts.push("has:link".into());
            question.link = true;
        }
        if chance.is(8) {
            let has = *chance.of(&[Has::File, Has::Image]);
            parts.push(format!("has:{}", has.name()));
            question.file = Some(has);
        }
        parts.extend(question.reaction.then(|| "has:reaction".into()));
        parts.extend(question.edited.then(|| "is:edited".into()));
        if chance.is(15) {
            let kind = *chance.of(&Kind::ALL);
            parts.push(format!("type:{}", kind.name()));
            question.kind = Some(kind);
        }
        question.q = parts.join(" ");
        question
    }
}

impl Question {
    /// A word, the beginning of one, or a phrase, as it is typed.
    fn adds_words(&mut self, chance: &mut Chance, not: bool) -> String {
        let list = if chance.is(60) { &ASKED[..8] } else { ASKED };
        let word = *chance.of(list);
        let (typed, phrase) = match chance.below(5) {
            0 => {
                let other = *chance.of(ASKED);
                (format!("\"{word} {other}\""), Phrase::of(&format!("{word} {other}"), false))
            }
            1 if word.chars().all(|c| c.is_ascii_alphabetic()) && word.len() > 3 => {
                (format!("{}*", &word[..3]), Phrase::of(&word[..3], true))
            }
            _ => (word.to_owned(), Phrase::of(word, false)),
        };
        let list = if not { &mut self.not } else { &mut self.words };
        list.extend(phrase);
        if not { format!("-{typed}") } else { typed }
    }

    fn adds_day(&mut self, day: i64, which: usize) -> String {
        let (name, since, until) = match which {
            0 => ("before", 0, day * DAY),
            1 => ("after", (day + 1) * DAY, i64::MAX),
            _ => ("on", day * DAY, (day + 1) * DAY),
        };
        (self.since, self.until) = (since, until);
        // By the calendar of the log's times, which is not the one that reads searches.
        let written = dialects::time::Time(Millis(day * DAY)).to_string();
        format!("{name}:{}", &written[..10])
    }

    /// Whether a message is meant, and how relevant it is.
    fn means(&self, message: &Message, kind: Kind) -> Option<u32> {
        let text = message.text.as_deref()?;
        let is_meant = message.deleted_at.is_none()
            && self.from.is_none_or(|from| message.author == from)
            && self.within.is_none_or(|within| message.conversation == within)
            && (self.since..self.until).contains(&message.created_at.0)
            && (!self.link || has_link(text))
            && match self.file {
                Some(Has::Image) => message.files.iter().any(|file| file.media_type == "image/png"),
                Some(_) => !message.files.is_empty(),
                None => true,
            }
            && (!self.reaction || !message.reactions.is_empty())
            && (!self.edited || message.edited_at.is_some())
            && self.kind.is_none_or(|wanted| wanted == kind);
        let matched = is_meant.then(|| matched_in(text, &message.files, &self.words, &self.not)).flatten();
        matched.map(|matched| matched.score)
    }
}

/// A message on either database.
type Place = (ConversationId, Number);

fn place(message: &Message) -> Place {
    (message.conversation, message.seq)
}

fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    format!("palabre_{what}_{}_{}_{since}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn people(writer: &Writer) -> Vec<Speaker> {
    let created = writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let mut ids = Vec::new();
            for username in PEOPLE {
                let profile = Profile::default();
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
    let speaker = |(user, name): (UserId, &str)| Speaker {
        user,
        username: name.into(),
        shown_name: name.into(),
        role: ServerRole::User,
        session: None,
    };
    created.await.expect("people").into_iter().zip(PEOPLE).map(speaker).collect()
}

async fn urls() -> Vec<String> {
    let folder = std::env::temp_dir().join(unique("alike"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut urls = vec![format!("sqlite:{}/palabre.db", folder.display())];
    if let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") {
        urls.push(testkit::kill::fresh_schema(&server, &unique("alike")).await.expect("a schema"));
    }
    urls
}

fn number_in(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test]
async fn both_databases_find_the_same_and_what_a_naive_search_finds() {
    let (searches, seed) = (number_in("PALABRE_SEARCHES", SEARCHES), number_in("PALABRE_SEED", 0x5EED));
    let mut answers: Vec<Vec<Vec<Place>>> = Vec::new();
    for url in urls().await {
        let mut world = World::begins(&url).await;
        let mut chance = Chance(seed.max(1));
        let (mut found, mut hits, mut done) = (Vec::new(), 0, 0);
        for _ in 0..ROUNDS {
            for deed in 0..DEEDS {
                done += usize::from(world.goes_on(&mut chance).await.is_ok());
                if deed % 20 == 19 {
                    // The index is behind: what is found is some of what is there.
                    let who = chance.below(PEOPLE.len());
                    let question = world.question(who, &mut chance);
                    let (seen, naive) = (world.finds(who, &question).await, world.naive(who, &question).await);
                    assert!(seen.iter().all(|place| naive.contains(place)), "{}: {seen:?} {naive:?}", question.q);
                }
            }
            world.index_follows().await;
            for _ in 0..searches.div_ceil(ROUNDS) {
                let who = chance.below(PEOPLE.len());
                let question = world.question(who, &mut chance);
                let naive = world.naive(who, &question).await;
                let seen = world.finds(who, &question).await;
                assert_eq!(seen, naive, "{} for {who} with seed {seed}", question.q);
                hits += seen.len();
                found.push(seen);
            }
        }
        println!("{} searches with {hits} hits after {done} changes, seed {seed}", found.len());
        assert!(hits as u64 > searches, "the searches find something: {hits}");
        answers.push(found);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "both databases have found the same, seed {seed}");
}
