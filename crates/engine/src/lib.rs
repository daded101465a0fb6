//! Executes commands: each is checked, then done, in one transaction that records its events.
//!
//! Every endpoint comes through [`Engine::execute`], [`Engine::send`], [`Engine::ask`] and [`Engine::visit`]. In each
//! noun's file `check_…` refuses mistakes of people, and `do_…` is a numbered change in which only machines can fail.
//! The engine has no handle on sockets: the events and revocations that it commits say which connections are concerned.

mod access;
mod batcher;
mod passwords;
mod rates;
mod text;
mod throttle;
mod tokens;

mod account_changes;
mod accounts;
mod avatars;
mod catch_up;
mod conversations;
mod drafts;
mod emoji;
mod files;
mod followers;
mod history;
mod identities;
mod inbox;
mod jobs;
mod listing;
mod markers;
mod members;
mod mentions;
mod messages;
mod nodes;
pub mod notifications;
pub mod operator;
pub mod policies;
mod presence;
mod previews;
mod push_devices;
mod quotas;
mod reactions;
mod reminders;
mod saved;
mod search;
mod sessions;
mod statistics;
mod threads;
mod uploads;
mod user_groups;
mod versions;

use std::sync::{Arc, Mutex};

use chat::{
    Command, ConnectionId, ConversationId, ErrorCode, Limits, Millis, Number, Query, Reply, Result, SessionId, UserId,
    Visit,
    accounts::{Account, Speaker},
    identities::{HostNumber, Identity},
    messages::{Sent, Submission},
    presence::Seen,
    rates::Spent,
    reply::CaughtUp,
    sessions::{Challenge, Origin, Tokens, Visited},
};
use store::{
    Db, Writer,
    members::{Belongings, Membership},
};

pub use catch_up::{Extent, Wanted};
pub use files::{Files, Swept, Upload, look_at_photo, sample_photo};
pub use followers::{Follower, Held, Pass, Shards};
pub use identities::Host;
pub use jobs::{Due, Lane};
pub use previews::{FoundPage, FoundPicture, WantedPage};
pub use push_devices::Pushing;
pub use rates::{Allowance, Cost, Pace};
pub use store::jobs::{Job, Kind as JobKind};
pub use store::turns::{Reader, reading_for};
pub use tokens::Keys;
pub use uploads::Appending;

/// The clock.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;
/// Presence by user: the hub's knowledge, which the engine needs for its answers.
pub type Here = Arc<dyn Fn(UserId) -> Seen + Send + Sync>;

/// The engine's settings.
pub struct Settings {
    /// The server's name, which is not allowed as a password.
    pub name: String,
    /// All limits.
    pub limits: Limits,
    /// The rates of messages, per minute and at once, for endpoints with a rate of their own: the first is [`Pace`] 1.
    pub paces: Vec<(i64, i64)>,
    /// Whether rate usage is reported to other nodes.
    pub shared: bool,
    /// The keys for signing and verifying tokens.
    pub keys: Keys,
    /// The lifetime of an access token, in seconds.
    pub access_seconds: i64,
    /// Seconds after which an unused session ends.
    pub idle_seconds: i64,
    /// Seconds after which any session ends.
    pub session_seconds: i64,
    /// Whether anybody may open an account.
    pub open_registration: bool,
    /// The host applications whose people are let in by their tokens.
    pub hosts: Vec<Host>,
    /// How many log-ins may wait for their password to be hashed: each is a connection that makes room for nobody.
    pub waiting_log_ins: usize,
    /// Where files are kept; absent if none are taken.
    pub files: Option<Files>,
    /// Whether pages are looked at for previews of links, in conversations that want it.
    pub previews: bool,
    /// How people are told on their devices; absent if they are not.
    pub push: Option<Pushing>,
    /// The one-time secret for creating the first administrator, while there is none.
    pub setup_secret: Option<String>,
    /// Decides whether a further proof is needed after a correct password.
    pub asks_further: Option<AsksFurther>,
}

/// The further proof that an account needs after a correct password, before it has a session; `None` if it needs none.
pub type AsksFurther = Arc<dyn Fn(&Account) -> Option<Challenge> + Send + Sync>;

/// A user whose credential was accepted.
pub struct Arrival {
    /// The speaker.
    pub speaker: Speaker,
    /// Their account, as it was within the last second.
    pub account: chat::accounts::Account,
    /// A number of the account that was read before it: what was changed later may be missing in it.
    pub account_head: Number,
    /// Who they are in the host application that vouches for them; absent with a session of ours.
    pub identity: Option<Identity>,
    /// When that was looked up.
    pub vouched_at: std::time::Instant,
    /// When the credential ends: a host application's token, or the session if it is not used meanwhile.
    pub good_until: std::time::Instant,
}

/// Executes commands and queries. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    writer: Writer,
    clock: Clock,
    here: Here,
    settings: Settings,
    setup_secret: Mutex<Option<String>>,
    rates: rates::Rates,
    throttle: throttle::Throttle,
    under_way: files::UnderWay,
    suspects: files::Suspects,
    turns: files::Turns,
    in_hand: uploads::InHand,
    infected: files::Infected,
    hasher: passwords::Hasher,
    began: std::time::Instant,
    speakers: moka::future::Cache<tokens::Claim, Arc<Arrival>>,
    arrivals: batcher::Batcher<tokens::Claim, Result<Arc<Arrival>>>,
    belongings: batcher::Batcher<UserId, Result<Belongings>>,
    shown: batcher::Batcher<(ConversationId, UserId), Result<Option<listing::Shown>>>,
    memberships: batcher::Batcher<(ConversationId, UserId), Result<Option<Membership>>>,
    newest: history::Newest,
    counted: statistics::Counted,
    server_avatar: avatars::OfServer,
}

impl Inner {
    /// The names that a password of this account must not contain.
    fn about<'a>(&'a self, username: &'a str, email: Option<&'a str>) -> passwords::About<'a> {
        passwords::About { username, email, server: &self.settings.name }
    }
}

impl Engine {
    /// An engine on an open, migrated database.
    #[must_use]
    pub fn new(db: Db, writer: Writer, clock: Clock, here: Here, settings: Settings) -> Self {
        let arrivals = batcher::Batcher::start(sessions::Arrivals {
            db: db.clone(),
            writer: writer.clone(),
            clock: clock.clone(),
            creating: settings.hosts.iter().filter(|host| host.creates_users).map(|host| host.name.clone()).collect(),
            name_length: settings.limits.profile_length,
        });
        let belongings = batcher::Batcher::start(members::Lookup { db: db.clone() });
        let shown = batcher::Batcher::start(listing::Lookup { db: db.clone(), here: here.clone() });
        let memberships = batcher::Batcher::start(members::Memberships { db: db.clone() });
        Self {
            inner: Arc::new(Inner {
                setup_secret: Mutex::new(settings.setup_secret.clone()),
                rates: rates::Rates::new(&settings.limits, &settings.paces, settings.shared),
                throttle: throttle::Throttle::new(&settings.limits, settings.shared),
                began: std::time::Instant::now(),
                under_way: files::UnderWay::default(),
                suspects: files::Suspects::default(),
                turns: files::Turns::default(),
                in_hand: uploads::InHand::default(),
                infected: files::Infected::default(),
                hasher: passwords::Hasher::new(settings.waiting_log_ins),
                // On other nodes a revoked token may be accepted for one more second; on this one it is dropped at
                // once.
                speakers: moka::future::Cache::builder()
                    .max_capacity(100_000)
                    .time_to_live(std::time::Duration::from_secs(1))
                    .build(),
                arrivals,
                belongings,
                shown,
                memberships,
                newest: history::Newest::default(),
                counted: statistics::Counted::default(),
                server_avatar: avatars::OfServer::default(),
                db,
                writer,
                clock,
                here,
                settings,
            }),
        }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.settings.limits
    }

    /// The time, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Millis {
        (self.inner.clock)()
    }

    /// The time by which throttles count: it never jumps.
    fn moment(&self) -> throttle::Moment {
        self.inner.began.elapsed()
    }

    /// Counts a message or another request against the speaker's rate.
    ///
    /// # Errors
    /// `rate_limited`, with when to try again.
    pub fn admit(&self, speaker: &Speaker, cost: Cost) -> Result<Allowance> {
        self.inner.rates.admit(speaker.user, cost)
    }

    /// The usage of rates and limits since the last call.
    #[must_use]
    pub fn spent(&self) -> Spent {
        Spent { rates: self.inner.rates.spent(), tries: self.inner.throttle.spent() }
    }

    /// Deducts the usage on another node.
    pub fn note_spent(&self, spent: Spent) {
        self.inner.rates.note_spent(spent.rates);
        self.inner.throttle.note_spent(spent.tries, self.moment());
    }

    /// Sets the number of nodes that share the rates without hearing each other; 1 while they do hear each other.
    pub fn share_rates(&self, nodes: u32) {
        self.inner.rates.set_price(nodes);
        self.inner.throttle.set_nodes(nodes);
    }

    /// Makes a change and answers once it is committed.
    ///
    /// # Errors
    /// A refusal: nothing was changed, unless its code is `outcome_unknown`.
    pub async fn execute(&self, speaker: &Speaker, command: Command, origin: Option<ConnectionId>) -> Result<Reply> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin };
        match command {
            Command::SendMessage(submission) => call.send_and_wait(submission).await.map(Reply::Sent),
            Command::EditMessage { conversation, seq, text } => call.edit_message(conversation, seq, text).await,
            Command::DeleteMessage { conversation, seq } => call.delete_message(conversation, seq).await,
            Command::AddReaction { conversation, seq, emoji } => call.add_reaction(conversation, seq, emoji).await,
            Command::RemoveReaction { conversation, seq, emoji } => {
                call.remove_reaction(conversation, seq, emoji).await
            }
            Command::MoveMarker { conversation, marker, seq } => call.move_marker(conversation, marker, seq).await,
            Command::RemovePreview { conversation, seq } => call.remove_preview(conversation, seq).await,
            Command::RemoveFile(file) => call.remove_file(file).await,
            Command::BeginUpload(new) => call.begin_upload(new).await,
            Command::CheckUpload(upload) => call.check_upload(upload).await,
            Command::RemoveUpload(upload) => call.remove_upload(upload).await,
            Command::SetVoice { file, voice } => call.set_voice(file, voice).await,
            Command::SetAvatar { of, picture } => call.set_avatar(of, picture).await,
            Command::AddEmoji { name, picture } => call.add_emoji(name, picture).await,
            Command::RemoveEmoji(name) => call.remove_emoji(name).await,
            Command::ReadAll => call.read_all().await,
            Command::MarkUnread { conversation, seq } => call.mark_unread(conversation, seq).await,
            Command::SetConversationNotifications { conversation, level, muted_until } => {
                call.set_conversation_notifications(conversation, level, muted_until).await
            }
            Command::SetNotifications(change) => call.set_notifications(change).await,
            Command::FollowThread { key, follows } => call.follow_thread(key, follows).await,
            Command::SetThreadNotifications { key, level } => call.set_thread_notifications(key, level).await,
            Command::ReadThread { key, seq } => call.read_thread(key, seq).await,
            Command::CreateReminder { conversation, seq, at } => call.create_reminder(conversation, seq, at).await,
            Command::CancelReminder(reminder) => call.cancel_reminder(reminder).await,
            Command::AddPushDevice(new) => call.add_push_device(*new).await,
            Command::RemovePushDevice(device) => call.remove_push_device(device).await,
            Command::SaveMessage { conversation, seq } => call.save_message(conversation, seq).await,
            Command::UnsaveMessage { conversation, seq } => call.unsave_message(conversation, seq).await,
            Command::CreateRoom { name, topic, visibility, client_id } => {
                call.create_room(name, topic, visibility, client_id).await
            }
            Command::CreateGroup { name, members, client_id } => call.create_group(name, members, client_id).await,
            Command::OpenDirect { user } => call.open_direct(user).await,
            Command::JoinConversation(conversation) => call.join(conversation).await,
            Command::LeaveConversation(conversation) => call.leave(conversation).await,
            Command::HideConversation(conversation) => call.hide(conversation).await,
            Command::AddMember { conversation, user } => call.add_member(conversation, user).await,
            Command::RemoveMember { conversation, user } => call.remove_member(conversation, user).await,
            Command::SetMemberRole { conversation, user, role } => call.set_member_role(conversation, user, role).await,
            Command::UpdateConversation { conversation, name, topic, visibility, edit_history, previews } => {
                call.update_conversation(conversation, name, topic, visibility, edit_history, previews).await
            }
            Command::SaveDraft { key, text, parent, since } => call.save_draft(key, text, parent, since).await,
            Command::DiscardDraft(key) => call.discard_draft(key).await,
            Command::ReadInbox(reading) => call.read_inbox(reading).await,
            Command::CreateUserGroup { name, people } => call.create_user_group(name, people).await,
            Command::RenameUserGroup { group, name } => call.rename_user_group(group, name).await,
            Command::DeleteUserGroup(group) => call.delete_user_group(group).await,
            Command::AddToUserGroup { group, people } => call.add_to_user_group(group, people).await,
            Command::RemoveFromUserGroup { group, people } => call.remove_from_user_group(group, people).await,
            Command::UpdateProfile(change) => call.update_profile(change).await,
            Command::ChangePassword { current, new } => call.change_password(current, new).await,
            Command::ChangeEmail { current, email } => call.change_email(current, email).await,
            Command::EndSession(session) => call.end_session(session).await,
            Command::SetServerRole { user, role } => call.set_server_role(user, role).await,
            Command::SetActive { user, active } => call.set_active(user, active).await,
            // An ephemeral event needs only the right to send it; the hub does the rest.
            Command::SetPresence(_) | Command::SetPresenceHere(_) | Command::ShowActivity => Ok(Reply::Done),
            Command::Typing { conversation, thread, typing } => call.typing(conversation, thread, typing).await,
        }
    }

    /// Checks a send and puts it into the next commit. The outcome goes to `done`; this returns as soon as the send has
    /// its place in the order.
    pub async fn send(
        &self,
        speaker: &Speaker,
        submission: Submission,
        origin: Option<ConnectionId>,
        done: Box<dyn FnOnce(Result<Sent>) + Send>,
    ) {
        messages::send(&self.inner, speaker, submission, origin, done).await;
    }

    /// Answers a question. Changes nothing.
    ///
    /// # Errors
    /// A refusal.
    pub async fn ask(&self, speaker: &Speaker, query: Query) -> Result<Reply> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        match query {
            Query::Me => call.me().await,
            Query::Sessions => call.sessions().await,
            Query::File(file) => call.file(file).await,
            Query::FileLink(file) => call.file_link(file).await,
            Query::User(user) => call.user(user).await,
            Query::UserByName(name) => Box::pin(call.user_by_name(&name)).await,
            Query::Users { prefix, after, limit } => call.users(&prefix, after, limit).await,
            Query::UsersById { users, revs } => call.users_by_id(users, &revs).await,
            Query::Accounts { search, after, limit } => call.accounts(&search, after, limit).await,
            Query::Conversations { after, limit } => call.conversations(after, limit).await,
            Query::HiddenConversations { after, limit } => call.hidden_conversations(after, limit).await,
            Query::PublicRoom(room) => call.public_room(room).await,
            Query::Discover { prefix, after, limit } => call.discover(&prefix, after, limit).await,
            Query::Conversation(conversation) => call.conversation(conversation).await,
            Query::RoomByName(name) => call.room_by_name(&name).await,
            Query::DirectWith(user) => call.direct_with(user).await,
            Query::Abilities { conversation, user } => call.abilities(conversation, user).await,
            Query::Members { conversation, after, limit } => call.members(conversation, after, limit).await,
            Query::Markers(conversation) => call.markers(conversation).await,
            Query::History { conversation, view, anchor, limit } => {
                call.history(conversation, view, anchor, limit).await
            }
            Query::Threads { unread, after, limit } => call.threads(unread, after, limit).await,
            Query::Message { conversation, seq } => call.message(conversation, seq).await,
            Query::Versions { conversation, seq, before, limit } => {
                call.versions(conversation, seq, before, limit).await
            }
            Query::MessageById(id) => call.message_by_id(id).await,
            Query::Timeline { conversation, offset, limit } => call.timeline(conversation, offset, limit).await,
            Query::CatchUp { conversation, since } => {
                call.catch_up(conversation, since).await.map(|caught_up| Reply::CaughtUp(Box::new(caught_up)))
            }
            Query::Reminders { due } => call.reminders(due).await,
            Query::Notifications => call.notifications().await,
            Query::ExplainNotification { conversation, seq } => {
                Box::pin(call.explain_notification(conversation, seq)).await
            }
            Query::PushDevices => call.push_devices().await,
            Query::SavedMessages { before, limit, messages } => call.saved_messages(before, limit, messages).await,
            Query::AccountChanges { since } => call.account_changes(since).await,
            Query::Drafts => call.drafts().await,
            Query::Search { q, utc_offset, conversation, order, after, limit } => {
                Box::pin(call.search(search::Asked { q, utc_offset, conversation, order, after, limit })).await
            }
            Query::Inbox { before, threads, limit } => call.inbox(before, threads, limit).await,
            Query::Reach { conversation, text } => call.reach(conversation, &text).await,
            Query::UserGroups { rev } => call.user_groups(rev).await,
            Query::Emoji { rev } => call.emoji(rev).await,
            Query::UserGroup(group) => call.user_group(group).await,
            Query::CompleteSearch { q, limit } => call.complete_search(&q, limit).await,
            Query::Presence(users) => call.presence(users).await,
        }
    }

    /// The changes that take members of a conversation from a number to the present, or a piece of them. Only for
    /// people whose membership the caller has just checked.
    ///
    /// # Errors
    /// `not_found`, or the store's.
    pub async fn changes_for_members(&self, conversation: ConversationId, wanted: Wanted) -> Result<CaughtUp> {
        let mut conn = self.inner.db.read().await?;
        let row = store::conversations::by_id(&mut conn, conversation).await?;
        let row = row.ok_or_else(|| chat::Error::not_found("conversation"))?;
        catch_up::changes(&mut conn, row, wanted, self.limits()).await
    }

    /// The changes of a conversation since a person's membership last changed, which is when they came, or were given
    /// another role; `None` if they are not a member.
    ///
    /// # Errors
    /// The store's.
    pub async fn changes_since_joining(&self, user: UserId, conversation: ConversationId) -> Result<Option<CaughtUp>> {
        let member = store::members::one(&mut *self.inner.db.read().await?, conversation, user).await?;
        let Some(member) = member.filter(|member| member.role.is_some()) else { return Ok(None) };
        let wanted = Wanted { since: member.rev, visible_from: Number(0), extent: Extent::Whole };
        self.changes_for_members(conversation, wanted).await.map(Some)
    }

    /// Registers, logs in or refreshes.
    ///
    /// # Errors
    /// A refusal; equal for known and unknown names.
    pub async fn visit(&self, visit: Visit, origin: Origin) -> Result<Visited> {
        match visit {
            Visit::Register(registration) => accounts::register(self, *registration, origin).await,
            Visit::LogIn { name, password } => sessions::log_in(self, name, password, origin).await,
            Visit::Refresh { token } => sessions::refresh(self, token, origin).await.map(Box::new).map(Visited::In),
        }
    }

    /// Ends the speaker's own session.
    ///
    /// # Errors
    /// If the store is not available, or the speaker has no session (a host application's token).
    pub async fn log_out(&self, speaker: &Speaker) -> Result<()> {
        let session = speaker.session.unwrap_or(SessionId(0));
        self.execute(speaker, Command::EndSession(session), None).await.map(|_| ())
    }

    /// Verifies a token, and that its account and session are still valid.
    ///
    /// # Errors
    /// `unauthenticated`, or the store's.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Arrival>> {
        let claim = self.inner.settings.keys.verify(token, self.now())?;
        sessions::authenticate(&self.inner, claim).await
    }

    /// Verifies a cookie: one of [`Engine::cookie`], or a token that was put into a cookie.
    ///
    /// # Errors
    /// `unauthenticated`, or the store's.
    pub async fn authenticate_cookie(&self, cookie: &str) -> Result<Arc<Arrival>> {
        let claim = self.inner.settings.keys.verify_cookie(cookie, self.now())?;
        sessions::authenticate(&self.inner, claim).await
    }

    /// A value that a browser may keep in a cookie, to reconnect without the token. It is valid as long as the session,
    /// which the store checks; a host application's token is kept unchanged, so that it does not outlive what its host
    /// intended.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn cookie(&self, speaker: &Speaker, token: &str) -> Result<String> {
        match speaker.session {
            Some(session) => {
                let seconds = self.inner.settings.session_seconds;
                self.inner.settings.keys.sign_cookie(speaker, session, self.now(), seconds)
            }
            None => Ok(token.to_owned()),
        }
    }

    /// The same tokens for the clients of a host application, who read in their access token that they have this number.
    ///
    /// # Errors
    /// `internal` if it cannot be signed.
    pub fn tokens_for_host(&self, tokens: Tokens, number: HostNumber) -> Result<Tokens> {
        let (Tokens { account, session, expires_in, .. }, keys) = (&tokens, &self.inner.settings.keys);
        let (name, now) = (&account.username, self.now());
        let access_token = keys.sign_for_host(account.id, number, *session, name, account.role, now, *expires_in)?;
        Ok(Tokens { access_token, ..tokens })
    }

    /// A person's own account as it is now.
    ///
    /// # Errors
    /// `not_found` if there is none, and the store's.
    pub async fn account(&self, user: UserId) -> Result<chat::accounts::Account> {
        let mut conn = self.inner.db.read().await?;
        store::accounts::by_id(&mut conn, user).await?.ok_or_else(|| chat::Error::not_found("user"))
    }

    /// How far a person's account has come, and the conversations that they belonged to then or since.
    ///
    /// # Errors
    /// The store's.
    pub async fn belongings(&self, user: UserId) -> Result<Belongings> {
        self.inner.belongings.ask(user).await.unwrap_or_else(|| Err(chat::Error::internal()))
    }

    /// Records that these people were connected until now.
    ///
    /// # Errors
    /// The store's.
    pub async fn note_last_seen(&self, users: Vec<UserId>) -> Result<()> {
        self.inner
            .writer
            .change(&[], None, move |unit| {
                Box::pin(async move { Ok(store::accounts::set_last_seen(&mut unit.conn, &users, unit.now).await?) })
            })
            .await
    }

    /// Whether the set-up secret is accepted and needed, because there is no active administrator.
    ///
    /// # Errors
    /// The store's.
    pub async fn needs_administrator(&self) -> Result<bool> {
        let there_is_a_secret = self.inner.setup_secret.lock().is_ok_and(|secret| secret.is_some());
        Ok(there_is_a_secret && store::accounts::admins(&mut *self.inner.db.read().await?).await? == 0)
    }

    /// The numbers of messages and of conversations, and when the newest message was stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn totals(&self) -> Result<(i64, i64, Option<Millis>)> {
        let mut conn = self.inner.db.read().await?;
        let (messages, newest) = store::messages::total(&mut conn).await?;
        let (_, conversations) = store::conversations::totals(&mut conn).await?;
        Ok((messages, conversations, newest))
    }

    /// Checks that the database answers and accepts writes.
    ///
    /// # Errors
    /// The reason why it does not.
    pub async fn check_database(&self) -> Result<(i64, i64)> {
        let mut conn = self.inner.db.read().await?;
        let totals = store::conversations::totals(&mut conn).await?;
        drop(conn);
        if store::Damage::seen().is_some() {
            return Err(chat::Error::new(ErrorCode::Internal, "The database is damaged: run palabre doctor."));
        }
        self.inner.writer.check().await?;
        Ok(totals)
    }
}

/// One command or query of one speaker.
#[derive(Clone)]
struct Call {
    engine: Engine,
    speaker: Speaker,
    origin: Option<ConnectionId>,
}

impl std::ops::Deref for Call {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.engine.inner
    }
}

impl Call {
    /// The page length within the limits.
    fn list_limit(&self, asked: i64) -> i64 {
        asked.clamp(1, self.settings.limits.list_page)
    }
}
