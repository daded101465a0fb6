//! The changes of an account: an event for each thing, as it is now, read from the database and never from a buffer.
//! Things do not depend on each other, so each piece of a long answer can be applied when it comes.

use std::collections::HashMap;

use chat::{
    AccountEvent, AccountFact, ConversationId, Error, Number, PushDeviceId, ReminderId, Reply, Result, UserGroupId,
    UserId,
    conversations::Listed,
    drafts::{Draft, DraftKey},
    inbox::ReadState,
    members::Departure,
    notifications::NotificationSettings,
    push_devices::PushDevice,
    reminders::Reminder,
    reply::AccountChanges,
    saved::SavedMessage,
    threads::{Following, ThreadKey},
};
use store::{
    Conn,
    account_changes::{Change, Thing},
};

use crate::{Call, Engine, catch_up::Extent, threads::forgotten};

/// The most changes in one piece: with the longest texts that is half a megabyte.
const PIECE: i64 = 50;

impl Call {
    pub(crate) async fn account_changes(&self, since: Number) -> Result<Reply> {
        let changes = self.engine.account_changes(self.speaker.user, since, Extent::Piece).await?;
        Ok(Reply::AccountChanges(Box::new(changes)))
    }
}

impl Engine {
    /// The changes that take a client of an account from a number towards the present. Only for the account's own
    /// person.
    ///
    /// # Errors
    /// `invalid` if the number is negative; the store's.
    pub async fn account_changes(&self, user: UserId, since: Number, extent: Extent) -> Result<AccountChanges> {
        if since.0 < 0 {
            return Err(Error::invalid("since", "since must not be negative."));
        }
        let mut conn = self.inner.db.read().await?;
        // Read before the rows, which may be newer: such changes are sent twice, which does no harm.
        let (head, floor) = store::account_changes::head(&mut conn, user).await?;
        let mut changes = AccountChanges { from: since, to: head, events: Vec::new(), reset: false, more: false };
        let most = self.limits().catch_up;
        changes.reset = since > head || since < floor;
        if changes.reset || since == head {
            return Ok(changes);
        }
        let limit = match extent {
            Extent::Piece => PIECE.min(most),
            Extent::Whole => most,
        };
        let mut rows = store::account_changes::since(&mut conn, user, since, limit + 1).await?;
        changes.more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
        if changes.more && extent == Extent::Whole {
            changes.reset = true;
            return Ok(changes);
        }
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        if let Some(last) = rows.last() {
            changes.to = if changes.more { last.rev } else { head.max(last.rev) };
        }
        let things = self.things(&mut conn, user, &rows).await?;
        changes.events = events(user, since, &rows, things);
        Ok(changes)
    }

    /// Reads the present state of the things that have changed.
    async fn things(&self, conn: &mut Conn, user: UserId, rows: &[Change]) -> Result<Things> {
        let mut things = Things::default();
        let conversations: Vec<ConversationId> =
            rows.iter().filter_map(|row| row.thing.and_then(Thing::listed)).collect();
        if !conversations.is_empty() {
            let entries = store::listing::entries(conn, user, &conversations).await?;
            let hidden = entries.iter().map(|entry| entry.hidden).collect::<Vec<_>>();
            let listed = self.complete(conn, entries).await?;
            things.listed = listed.into_iter().zip(hidden).map(|(one, at)| (one.conversation.id, (one, at))).collect();
            things.left = store::members::left(conn, user, &conversations).await?;
        }
        if rows.iter().any(|row| matches!(row.thing, Some(Thing::Draft(_)))) {
            let drafts = store::drafts::all(conn, user).await?;
            things.drafts = drafts.into_iter().map(|draft| (draft.key, draft)).collect();
        }
        if rows.iter().any(|row| matches!(row.thing, Some(Thing::Reminder(_)))) {
            let reminders = store::reminders::of_user(conn, user).await?;
            things.reminders = reminders.into_iter().map(|reminder| (reminder.id, reminder)).collect();
        }
        if rows.iter().any(|row| matches!(row.thing, Some(Thing::PushDevice(_)))) {
            let devices = store::push_devices::of_user(conn, user).await?;
            things.push_devices = devices.into_iter().map(|device| (device.id, device)).collect();
        }
        if rows.iter().any(|row| row.thing == Some(Thing::Inbox)) {
            things.inbox = store::inbox::read_state(conn, user).await?;
        }
        if rows.iter().any(|row| row.thing == Some(Thing::UserGroups)) {
            things.groups = store::user_groups::of_user(conn, user).await?;
        }
        if rows.iter().any(|row| row.thing == Some(Thing::Notifications)) {
            things.notifications = Some(store::notifications::of(conn, user).await?);
        }
        let is_saved = |row: &&Change| matches!(row.thing, Some(Thing::Saved(..)));
        if let (Some(first), Some(last)) = (rows.iter().find(is_saved), rows.iter().rfind(is_saved)) {
            let saved = store::saved::within(conn, user, first.rev, last.rev).await?;
            things.saved = saved.into_iter().map(|saved| ((saved.conversation, saved.seq), saved)).collect();
        }
        if rows.iter().any(|row| matches!(row.thing, Some(Thing::Thread(_)))) {
            things.threads = store::threads::all_following(conn, user).await?;
        }
        if rows.iter().any(|row| row.thing == Some(Thing::Profile)) {
            // The cached speakers have the old name.
            self.inner.forget_people();
            things.profile = store::accounts::by_id(conn, user).await?;
        }
        Ok(things)
    }
}

/// The things that have changed, in their present state.
#[derive(Default)]
struct Things {
    listed: HashMap<ConversationId, (Listed, Option<Number>)>,
    /// Conversations that the person left of their own accord.
    left: Vec<ConversationId>,
    drafts: HashMap<DraftKey, Draft>,
    reminders: HashMap<ReminderId, Reminder>,
    push_devices: HashMap<PushDeviceId, PushDevice>,
    saved: HashMap<(ConversationId, Number), SavedMessage>,
    threads: HashMap<ThreadKey, Following>,
    profile: Option<chat::accounts::Account>,
    inbox: ReadState,
    groups: Vec<UserGroupId>,
    notifications: Option<NotificationSettings>,
}

impl Things {
    fn fact(&mut self, thing: Thing) -> Option<AccountFact> {
        match thing {
            Thing::Conversation(conversation) => Some(self.conversation(conversation, None)),
            Thing::Hidden(conversation) => {
                let hidden_at = self.listed.get(&conversation).and_then(|(_, hidden_at)| *hidden_at);
                Some(self.conversation(conversation, hidden_at))
            }
            Thing::Profile => self.profile.take().map(|account| AccountFact::ProfileChanged(Box::new(account))),
            Thing::Settings(conversation) => {
                // Who is no member any more has none; that they are none is an event of its own.
                let settings = self.listed.get(&conversation).map(|(listed, _)| listed.settings).unwrap_or_default();
                Some(AccountFact::ConversationSettingsChanged { conversation, settings })
            }
            Thing::Notifications => {
                self.notifications.take().map(|settings| AccountFact::NotificationsChanged(Box::new(settings)))
            }
            Thing::Draft(key) => Some(match self.drafts.remove(&key) {
                Some(draft) => AccountFact::DraftSaved(draft),
                None => AccountFact::DraftDiscarded(key),
            }),
            Thing::Thread(key) => {
                let following = self.threads.remove(&key).unwrap_or_else(|| forgotten(key));
                Some(AccountFact::ThreadFollowed(following))
            }
            Thing::Reminder(id) => Some(match self.reminders.remove(&id) {
                Some(reminder) => AccountFact::ReminderChanged(reminder),
                None => AccountFact::ReminderRemoved(id),
            }),
            Thing::PushDevice(id) => Some(match self.push_devices.remove(&id) {
                Some(device) => AccountFact::PushDeviceAdded(device),
                None => AccountFact::PushDeviceRemoved(id),
            }),
            Thing::Inbox => Some(AccountFact::InboxRead(self.inbox.clone())),
            Thing::UserGroups => Some(AccountFact::UserGroupsChanged(self.groups.clone())),
            Thing::Saved(conversation, seq) => Some(match self.saved.remove(&(conversation, seq)) {
                Some(saved) => AccountFact::MessageSaved(saved),
                None => AccountFact::MessageUnsaved { conversation, seq },
            }),
        }
    }

    fn conversation(&self, conversation: ConversationId, hidden_at: Option<Number>) -> AccountFact {
        match (self.listed.get(&conversation), hidden_at) {
            (Some(_), Some(at)) => AccountFact::ConversationHidden { conversation, at },
            (Some((listed, _)), None) => AccountFact::ConversationAdded(Box::new(listed.clone())),
            (None, _) => {
                let departure = if self.left.contains(&conversation) { Departure::Left } else { Departure::Removed };
                AccountFact::ConversationRemoved { conversation, departure }
            }
        }
    }
}

/// Makes an event for each row; each follows the one before.
fn events(account: UserId, since: Number, rows: &[Change], mut things: Things) -> Vec<AccountEvent> {
    let mut after = since;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(fact) = row.thing.and_then(|thing| things.fact(thing)) else { continue };
        events.push(AccountEvent { account, after, number: row.rev, origin: None, fact });
        after = row.rev;
    }
    events
}
