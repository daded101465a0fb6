//! The state of a client's own account, reduced from the account's numbered events.

use std::{collections::BTreeMap, fmt};

use chat::{
    AccountFact, ConversationId, Number, PushDeviceId, ReminderId,
    accounts::Account,
    drafts::{Draft, DraftKey},
    threads::{Following, ThreadKey},
};

use crate::known::{Place, differ};

/// The form in which a judge represents an account's data.
pub trait AccountForm {
    /// The person's profile.
    type Profile: Clone + fmt::Debug + PartialEq;
    /// A draft's content.
    type Draft: Clone + fmt::Debug + PartialEq;
}

/// The new state that an event of an account announces.
#[derive(Clone, Debug)]
pub enum AccountChange<F: AccountForm> {
    /// The person is a member of the conversation, and it is in their list; with their settings of it.
    Added(ConversationId, String),
    /// The person is no longer a member of it.
    Removed(ConversationId),
    /// The conversation is hidden from the list until something happens in it after this number.
    Hidden(ConversationId, Number),
    /// The profile has changed to this.
    Profile(F::Profile),
    /// This draft exists, with this content.
    Draft(DraftKey, F::Draft),
    /// This draft does not exist.
    NoDraft(DraftKey),
    /// The person has these settings of the conversation.
    Settings(ConversationId, String),
    /// The person has these notification settings.
    Notifications(String),
    /// This reminder exists; with the account's number of its last change, and whether it is due.
    Reminder(ReminderId, Number, bool),
    /// This reminder does not exist.
    NoReminder(ReminderId),
    /// A small thing of this name has this state, or does not exist. A noun of which nothing more must be known than that
    /// needs no variant of its own.
    Thing(String, Option<String>),
    /// This thread is followed, in this way.
    Thread(Following),
    /// This thread is not followed.
    NoThread(ThreadKey),
}

/// Whether a conversation that somebody is a member of is in their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InList {
    Shown,
    Hidden(Number),
}

/// An account's state, as one of its clients knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownAccount<F: AccountForm> {
    /// The number of the last event that is applied.
    pub cursor: Number,
    profile: Option<F::Profile>,
    conversations: BTreeMap<ConversationId, InList>,
    drafts: BTreeMap<DraftKey, F::Draft>,
    /// For each reminder, the number of its last change, and whether it is due.
    reminders: BTreeMap<ReminderId, (Number, bool)>,
    /// The settings of conversations and those for all of them, as texts; as far as they were read.
    settings: BTreeMap<ConversationId, String>,
    notifications: String,
    /// The state of each small thing, by its name.
    things: BTreeMap<String, String>,
    /// For each followed thread, how it is followed.
    threads: BTreeMap<ThreadKey, Following>,
}

impl<F: AccountForm> KnownAccount<F> {
    /// A state that was read in full, with the number after which events follow. It may be newer than that number;
    /// events then repeat a part of it. Each conversation comes with the number up to which it is hidden, if it is.
    pub fn read(
        cursor: Number,
        profile: Option<F::Profile>,
        conversations: impl IntoIterator<Item = (ConversationId, Option<Number>)>,
        drafts: impl IntoIterator<Item = (DraftKey, F::Draft)>,
    ) -> Self {
        let in_list = |hidden: Option<Number>| hidden.map_or(InList::Shown, InList::Hidden);
        let conversations = conversations.into_iter().map(|(id, hidden)| (id, in_list(hidden))).collect();
        let drafts = drafts.into_iter().collect();
        Self {
            cursor,
            profile,
            conversations,
            settings: BTreeMap::new(),
            notifications: String::new(),
            drafts,
            reminders: BTreeMap::new(),
            things: BTreeMap::new(),
            threads: BTreeMap::new(),
        }
    }

    /// Adds small things: the name and state of each.
    #[must_use]
    pub fn with_things(mut self, things: impl IntoIterator<Item = (String, String)>) -> Self {
        self.things.extend(things);
        self
    }

    /// Adds the reminders: for each the number of its last change, and whether it is due.
    #[must_use]
    pub fn with_reminders(self, reminders: impl IntoIterator<Item = (ReminderId, Number, bool)>) -> Self {
        let reminders = reminders.into_iter().map(|(id, rev, due)| (id, (rev, due))).collect();
        Self { reminders, ..self }
    }

    /// Adds the settings of conversations, and those for all of them.
    #[must_use]
    pub fn with_settings(
        self,
        settings: impl IntoIterator<Item = (ConversationId, String)>,
        notifications: String,
    ) -> Self {
        Self { settings: settings.into_iter().collect(), notifications, ..self }
    }

    /// Adds the threads that are followed.
    #[must_use]
    pub fn with_threads(self, threads: impl IntoIterator<Item = Following>) -> Self {
        let threads = threads.into_iter().map(|following| (following.key, following)).collect();
        Self { threads, ..self }
    }

    /// The place of an event that follows `after`.
    #[must_use]
    pub fn place(&self, after: Number, number: Number) -> Place {
        if number <= self.cursor {
            Place::Known
        } else if after <= self.cursor {
            Place::Next
        } else {
            Place::Beyond
        }
    }

    /// Applies an event that was not applied yet.
    pub fn apply(&mut self, number: Number, change: AccountChange<F>) {
        self.cursor = self.cursor.max(number);
        match change {
            AccountChange::Added(id, settings) => {
                self.conversations.insert(id, InList::Shown);
                self.settings.insert(id, settings);
            }
            AccountChange::Removed(id) => {
                self.conversations.remove(&id);
                self.settings.remove(&id);
                // Whoever leaves a conversation has nothing to do with its threads any more.
                self.threads.retain(|key, _| key.conversation != id);
            }
            AccountChange::Settings(id, settings) => {
                // They may come after the person has left.
                if self.conversations.contains_key(&id) {
                    self.settings.insert(id, settings);
                }
            }
            AccountChange::Notifications(settings) => self.notifications = settings,
            AccountChange::Hidden(id, at) => _ = self.conversations.insert(id, InList::Hidden(at)),
            AccountChange::Profile(profile) => self.profile = Some(profile),
            AccountChange::Draft(key, draft) => _ = self.drafts.insert(key, draft),
            AccountChange::NoDraft(key) => _ = self.drafts.remove(&key),
            AccountChange::Reminder(id, rev, due) => _ = self.reminders.insert(id, (rev, due)),
            AccountChange::NoReminder(id) => _ = self.reminders.remove(&id),
            AccountChange::Thing(name, Some(state)) => _ = self.things.insert(name, state),
            AccountChange::Thing(name, None) => _ = self.things.remove(&name),
            AccountChange::Thread(following) => _ = self.threads.insert(following.key, following),
            AccountChange::NoThread(key) => _ = self.threads.remove(&key),
        }
    }

    /// Notes that a conversation has reached this number: if it was hidden before that, it is in the list again.
    pub fn happened(&mut self, conversation: ConversationId, head: Number) {
        if let Some(in_list) = self.conversations.get_mut(&conversation)
            && matches!(in_list, InList::Hidden(at) if *at < head)
        {
            *in_list = InList::Shown;
        }
    }

    /// Whether a conversation is hidden from the list.
    #[must_use]
    pub fn is_hidden(&self, conversation: ConversationId) -> bool {
        self.conversations.get(&conversation).is_some_and(|in_list| *in_list != InList::Shown)
    }

    /// A draft's content.
    #[must_use]
    pub fn draft(&self, key: DraftKey) -> Option<&F::Draft> {
        self.drafts.get(&key)
    }

    /// The law for accounts: describes each difference from a state that was read fresh at the same number.
    #[must_use]
    pub fn differences(&self, fresh: &Self) -> Vec<String> {
        let mut words = Vec::new();
        if self.profile != fresh.profile {
            words.push(format!("the profile is known as {:?}, but is {:?}", self.profile, fresh.profile));
        }
        differ("conversation", &self.list(), &fresh.list(), &mut words);
        differ("draft", &self.named_drafts(), &fresh.named_drafts(), &mut words);
        differ("reminder", &self.reminders, &fresh.reminders, &mut words);
        differ("settings of", &self.settings_with(fresh), &fresh.settings_with(self), &mut words);
        if self.notifications != fresh.notifications {
            words.push(format!(
                "the notifications are known as {}, but are {}",
                self.notifications, fresh.notifications
            ));
        }
        differ("thing", &self.things, &fresh.things, &mut words);
        differ("thread", &self.named_threads(), &fresh.named_threads(), &mut words);
        words
    }

    /// Those of the conversations that both know: of hidden ones nothing is read.
    fn settings_with(&self, other: &Self) -> BTreeMap<ConversationId, &String> {
        self.settings.iter().filter(|(id, _)| other.settings.contains_key(id)).map(|(id, it)| (*id, it)).collect()
    }

    fn list(&self) -> BTreeMap<ConversationId, &'static str> {
        let word = |in_list: &InList| if *in_list == InList::Shown { "shown" } else { "hidden" };
        self.conversations.iter().map(|(id, in_list)| (*id, word(in_list))).collect()
    }

    fn named_drafts(&self) -> BTreeMap<String, &F::Draft> {
        let name = |key: &DraftKey| match (key.edit, key.thread) {
            (None, None) => format!("in {}", key.conversation),
            (Some(seq), _) => format!("of {} in {}", seq, key.conversation),
            (None, Some(root)) => format!("about {} in {}", root, key.conversation),
        };
        self.drafts.iter().map(|(key, draft)| (name(key), draft)).collect()
    }

    fn named_threads(&self) -> BTreeMap<String, &Following> {
        let name = |key: &ThreadKey| format!("about {} in {}", key.root, key.conversation);
        self.threads.iter().map(|(key, following)| (name(key), following)).collect()
    }
}

/// The name of a saved message, as a small thing; its state is the number with which it was saved.
#[must_use]
pub fn saved_name(conversation: ConversationId, seq: Number) -> String {
    format!("saved {conversation}/{seq}")
}

/// The name of a push device, as a small thing.
#[must_use]
pub fn push_device_name(device: PushDeviceId) -> String {
    format!("push device {device}")
}

/// Facts in the program's own types.
impl AccountForm for crate::Facts {
    type Profile = Account;
    type Draft = Draft;
}

impl From<&AccountFact> for AccountChange<crate::Facts> {
    fn from(fact: &AccountFact) -> Self {
        match fact {
            AccountFact::ConversationAdded(listed) => {
                Self::Added(listed.conversation.id, format!("{:?}", listed.settings))
            }
            AccountFact::ConversationSettingsChanged { conversation, settings } => {
                Self::Settings(*conversation, format!("{settings:?}"))
            }
            AccountFact::NotificationsChanged(settings) => Self::Notifications(format!("{settings:?}")),
            AccountFact::ConversationRemoved { conversation, .. } => Self::Removed(*conversation),
            AccountFact::ConversationHidden { conversation, at } => Self::Hidden(*conversation, *at),
            AccountFact::ProfileChanged(account) => Self::Profile((**account).clone()),
            AccountFact::DraftSaved(draft) => Self::Draft(draft.key, draft.clone()),
            AccountFact::DraftDiscarded(key) => Self::NoDraft(*key),
            AccountFact::ReminderChanged(one) => Self::Reminder(one.id, one.rev, one.due_at.is_some()),
            AccountFact::ReminderRemoved(id) => Self::NoReminder(*id),
            AccountFact::MessageSaved(one) => {
                Self::Thing(saved_name(one.conversation, one.seq), Some(one.rev.to_string()))
            }
            AccountFact::PushDeviceAdded(one) => {
                Self::Thing(push_device_name(one.id), Some(format!("{} {}", one.session, one.rev)))
            }
            AccountFact::PushDeviceRemoved(id) => Self::Thing(push_device_name(*id), None),
            AccountFact::InboxRead(state) => Self::Thing("inbox".into(), Some(format!("{state:?}"))),
            AccountFact::UserGroupsChanged(groups) => Self::Thing("user groups".into(), Some(format!("{groups:?}"))),
            AccountFact::MessageUnsaved { conversation, seq } => Self::Thing(saved_name(*conversation, *seq), None),
            AccountFact::ThreadFollowed(one) if one.follows => Self::Thread(*one),
            AccountFact::ThreadFollowed(one) => Self::NoThread(one.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile as a city, a draft as its text.
    #[derive(Clone, Debug, PartialEq)]
    struct Plain;

    impl AccountForm for Plain {
        type Profile = &'static str;
        type Draft = &'static str;
    }

    const HERE: ConversationId = ConversationId(1);
    const THERE: ConversationId = ConversationId(2);
    const NEW: DraftKey = DraftKey { conversation: HERE, edit: None, thread: None };
    const EDIT: DraftKey = DraftKey { conversation: HERE, edit: Some(Number(7)), thread: None };
    const FOLLOWING: Following = Following {
        key: ThreadKey { conversation: HERE, root: Number(2) },
        follows: true,
        read_seq: Number(5),
        level: None,
        rev: Number(13),
    };

    fn known() -> KnownAccount<Plain> {
        KnownAccount::read(Number(3), Some("Lyon"), [(HERE, None)], [(NEW, "hey")])
    }

    #[test]
    fn an_event_follows_the_number_that_it_names() {
        let place = |after, number| known().place(Number(after), Number(number));
        assert_eq!(
            [place(2, 3), place(3, 4), place(1, 9), place(4, 5)],
            [Place::Known, Place::Next, Place::Next, Place::Beyond]
        );
    }

    #[test]
    fn old_state_and_events_are_a_fresh_state() {
        let mut heard = known();
        let changes = [
            AccountChange::Added(THERE, "all".to_owned()),
            AccountChange::Settings(THERE, "muted".to_owned()),
            AccountChange::Settings(ConversationId(9), "left".to_owned()),
            AccountChange::Notifications("quiet".to_owned()),
            AccountChange::Hidden(HERE, Number(15)),
            AccountChange::Profile("Nantes"),
            AccountChange::Draft(EDIT, "better"),
            AccountChange::NoDraft(NEW),
            AccountChange::Reminder(ReminderId(1), Number(9), false),
            AccountChange::Reminder(ReminderId(2), Number(10), false),
            AccountChange::Reminder(ReminderId(1), Number(11), true),
            AccountChange::NoReminder(ReminderId(2)),
            AccountChange::Thing("saved 1/7".into(), Some("13".into())),
            AccountChange::Thing("saved 1/8".into(), Some("14".into())),
            AccountChange::Thing("saved 1/8".into(), None),
            AccountChange::Thread(FOLLOWING),
        ];
        for (number, change) in (4..).zip(changes) {
            heard.apply(Number(number), change);
        }
        heard.happened(HERE, Number(15));
        let fresh = KnownAccount::read(
            Number(19),
            Some("Nantes"),
            [(HERE, Some(Number(15))), (THERE, None)],
            [(EDIT, "better")],
        )
        .with_reminders([(ReminderId(1), Number(11), true)])
        .with_settings([(THERE, "muted".to_owned())], "quiet".to_owned())
        .with_things([("saved 1/7".to_owned(), "13".to_owned())])
        .with_threads([FOLLOWING]);
        assert_eq!((heard.cursor, heard.differences(&fresh)), (fresh.cursor, vec![]));
        heard.happened(HERE, Number(16));
        assert_eq!(heard.differences(&fresh), ["conversation 1 is known as \"shown\", but is \"hidden\""]);
        heard.apply(Number(20), AccountChange::Removed(HERE));
        // The threads of a conversation go with it.
        assert_eq!((heard.cursor, heard.differences(&fresh).len()), (Number(20), 2));
    }

    #[test]
    fn every_difference_is_reported() {
        let fresh = KnownAccount::read(Number(3), Some("Brest"), [(THERE, None)], [(NEW, "hello"), (EDIT, "b")])
            .with_reminders([(ReminderId(1), Number(2), true)])
            .with_settings([(HERE, "muted".to_owned())], "quiet".to_owned())
            .with_things([("saved 1/7".to_owned(), "3".to_owned())]);
        let known = known().with_settings([(HERE, "all".to_owned())], "loud".to_owned());
        let words = known.differences(&fresh);
        let wanted = [
            "the profile",
            "conversation 1 is",
            "conversation 2 is not",
            "draft in 1 is",
            "draft of 7 in 1 is not",
            "reminder 1 is not",
            "settings of 1 is known",
            "the notifications are known",
            "thing saved 1/7 is not",
        ];
        let is_told = |(word, wanted): (&String, &str)| word.starts_with(wanted);
        assert!(words.len() == wanted.len() && words.iter().zip(wanted).all(is_told), "{words:?}");
    }
}
