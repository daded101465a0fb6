//! The people whom a value names: every [`UserId`] in it, wherever it stands.
//!
//! By this whoever speaks to a host application's clients puts the host's numbers in the place of our ids, and back,
//! in one place for all endpoints. Nothing here is left out by `..`: a field that is added has to say whether it names
//! somebody.

use crate::{
    AccountEvent, AccountFact, Command, Event, Fact, Query, Reply, Signal, UserId,
    accounts::{Account, Speaker},
    conversations::{Conversation, InRoom, Listed, Peer, Place},
    inbox::Item,
    markers::Markers,
    members::Member,
    mentions::Mentions,
    messages::{Message, Page},
    reactions::Reaction,
    reminders::Reminder,
    reply::{AccountChanges, CaughtUp},
    search::{Meant, Suggestion},
    threads::{Followed, Summary},
    user_groups::UserGroupPeople,
};

/// What names people.
pub trait NamesPeople {
    /// Shows each of them, to be read or to be replaced.
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId));
}

/// All whom something names, some perhaps twice.
#[must_use]
pub fn named_in(value: &(impl NamesPeople + Clone)) -> Vec<UserId> {
    let mut named = Vec::new();
    value.clone().each_person(&mut |user| named.push(*user));
    named
}

impl NamesPeople for UserId {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        show(self);
    }
}

impl<T: NamesPeople> NamesPeople for Vec<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.iter_mut().for_each(|one| one.each_person(show));
    }
}

impl<T: NamesPeople> NamesPeople for Option<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.iter_mut().for_each(|one| one.each_person(show));
    }
}

impl<T: NamesPeople> NamesPeople for Box<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        (**self).each_person(show);
    }
}

impl NamesPeople for (UserId, UserId) {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        show(&mut self.0);
        show(&mut self.1);
    }
}

impl NamesPeople for Speaker {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { user, username: _, shown_name: _, role: _, session: _ } = self;
        show(user);
    }
}

impl NamesPeople for Account {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { id, username: _, email: _, role: _, active: _, profile: _, rev: _, created_at: _, last_seen_at: _ } =
            self;
        show(id);
    }
}

impl NamesPeople for Conversation {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self {
            id: _,
            kind: _,
            visibility: _,
            name: _,
            topic: _,
            created_by,
            created_at: _,
            head: _,
            rev: _,
            member_count: _,
            pair,
        } = self;
        show(created_by);
        pair.each_person(show);
    }
}

impl NamesPeople for Place {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { kind: _, name: _, pair } = self;
        pair.each_person(show);
    }
}

impl NamesPeople for Peer {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { user, username: _, shown_name: _, display_name: _, first_name: _, last_name: _, presence: _ } = self;
        show(user);
    }
}

impl NamesPeople for Listed {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self {
            conversation,
            role: _,
            visible_from: _,
            read_seq: _,
            unread: _,
            unread_for_me: _,
            settings: _,
            last_message,
            room,
            peer,
        } = self;
        conversation.each_person(show);
        last_message.each_person(show);
        room.each_person(show);
        peer.each_person(show);
    }
}

impl NamesPeople for InRoom {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { unread: _, last_message } = self;
        last_message.each_person(show);
    }
}

impl NamesPeople for Summary {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { root: _, replies: _, last_seq: _, last_at: _, participants, rev: _ } = self;
        participants.each_person(show);
    }
}

impl NamesPeople for Followed {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { following: _, unread: _, counted_to: _, root } = self;
        root.each_person(show);
    }
}

impl NamesPeople for Message {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self {
            id: _,
            conversation: _,
            seq: _,
            rev: _,
            author,
            author_name: _,
            author_shown_name: _,
            author_role: _,
            message_type: _,
            client_id: _,
            text: _,
            parent: _,
            thread: _,
            also_in_room: _,
            summary,
            created_at: _,
            edited_at: _,
            deleted_at: _,
            files: _,
            reactions,
            mentions,
        } = self;
        show(author);
        reactions.each_person(show);
        mentions.each_person(show);
        summary.each_person(show);
    }
}

impl NamesPeople for Mentions {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { people, groups: _, here: _, room: _, reply_to } = self;
        people.each_person(show);
        reply_to.each_person(show);
    }
}

impl NamesPeople for Item {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { place, reason: _, actor_name: _, emoji: _, group: _, read: _, message } = self;
        show(&mut place.actor);
        message.each_person(show);
    }
}

impl NamesPeople for UserGroupPeople {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { group: _, people } = self;
        people.each_person(show);
    }
}

impl NamesPeople for Reaction {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { emoji: _, users } = self;
        users.each_person(show);
    }
}

impl NamesPeople for Page {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { messages, has_more_before: _, has_more_after: _, head: _ } = self;
        messages.each_person(show);
    }
}

impl NamesPeople for Member {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { user, username: _, shown_name: _, role: _, rev: _, joined_at: _ } = self;
        show(user);
    }
}

impl NamesPeople for Markers {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { user, read_seq: _, delivered_seq: _, read_at: _ } = self;
        show(user);
    }
}

impl NamesPeople for Reminder {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { id: _, user, conversation: _, seq: _, at: _, created_at: _, due_at: _, rev: _ } = self;
        show(user);
    }
}

impl NamesPeople for Event {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { conversation: _, number: _, actor, origin: _, at: _, fact, thread } = self;
        show(actor);
        fact.each_person(show);
        thread.each_person(show);
    }
}

impl NamesPeople for Fact {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::MessageCreated(message) | Self::MessageEdited(message) | Self::MessageDeleted(message) => {
                message.each_person(show);
            }
            Self::ReactionAdded { message, user, emoji: _ } | Self::ReactionRemoved { message, user, emoji: _ } => {
                message.each_person(show);
                show(user);
            }
            Self::MemberJoined { member, member_count: _ }
            | Self::MemberLeft { member, departure: _, member_count: _ }
            | Self::MemberUpdated(member) => member.each_person(show),
            Self::ConversationCreated(conversation) | Self::ConversationUpdated(conversation) => {
                conversation.each_person(show);
            }
        }
    }
}

impl NamesPeople for AccountEvent {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { account, after: _, number: _, origin: _, fact } = self;
        show(account);
        fact.each_person(show);
    }
}

impl NamesPeople for AccountFact {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::ConversationAdded(listed) => listed.each_person(show),
            Self::ProfileChanged(account) => account.each_person(show),
            Self::ReminderChanged(reminder) => reminder.each_person(show),
            Self::PushDeviceAdded(device) => show(&mut device.user),
            Self::ConversationRemoved { conversation: _, departure: _ }
            | Self::ConversationSettingsChanged { conversation: _, settings: _ }
            | Self::NotificationsChanged(_)
            | Self::ConversationHidden { conversation: _, at: _ }
            | Self::DraftSaved(_)
            | Self::DraftDiscarded(_)
            | Self::ThreadFollowed(_)
            | Self::ReminderRemoved(_)
            | Self::PushDeviceRemoved(_)
            // Only our own clients are told of these, and the places in them are opaque.
            | Self::InboxRead(_)
            | Self::UserGroupsChanged(_)
            | Self::MessageSaved(_)
            | Self::MessageUnsaved { conversation: _, seq: _ } => {}
        }
    }
}

impl NamesPeople for Signal {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::NotAMember(_) => {}
            Self::MarkerMoved { conversation: _, markers } => markers.each_person(show),
            Self::Typing { conversation: _, user, username: _, shown_name: _, typing: _ } => show(user),
            Self::CardChanged { conversation: _, account } => account.each_person(show),
            Self::PresenceChanged { conversation: _, people } => people.iter_mut().for_each(|(user, ..)| show(user)),
        }
    }
}

impl NamesPeople for CaughtUp {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { from: _, to: _, conversation, members, messages, threads, reset: _, more: _ } = self;
        conversation.each_person(show);
        members.each_person(show);
        messages.each_person(show);
        threads.each_person(show);
    }
}

impl NamesPeople for AccountChanges {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { from: _, to: _, events, reset: _, more: _ } = self;
        events.each_person(show);
    }
}

impl NamesPeople for Suggestion {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { text: _, meaning } = self;
        match meaning {
            Some(Meant::Person(account)) => account.each_person(show),
            Some(Meant::Room(room)) => room.each_person(show),
            None => {}
        }
    }
}

impl NamesPeople for Reply {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::Message(message) => message.each_person(show),
            Self::Conversation(listed) => listed.each_person(show),
            Self::Member(member) => member.each_person(show),
            // The tokens say whose they are themselves: whoever replaces the account's id has to make them anew.
            Self::Tokens(tokens) => tokens.account.each_person(show),
            Self::Account(account) | Self::User(account) => account.each_person(show),
            Self::Users { users, next } | Self::Accounts { accounts: users, next } => {
                users.each_person(show);
                next.each_person(show);
            }
            Self::Conversations { conversations, next: _ } => conversations.each_person(show),
            Self::Found { hits, next: _ } => hits.iter_mut().for_each(|hit| hit.message.each_person(show)),
            Self::Suggestions { from: _, suggestions } => suggestions.each_person(show),
            Self::Rooms { rooms, next: _ } => rooms.iter_mut().for_each(|(room, _)| room.each_person(show)),
            Self::Members { members, next } => {
                members.each_person(show);
                next.each_person(show);
            }
            Self::Markers(markers) => markers.each_person(show),
            Self::Marker(markers) => markers.each_person(show),
            Self::History(page) => page.each_person(show),
            Self::Threads { threads, next: _ } => threads.each_person(show),
            Self::Timeline { messages, total: _ } => messages.each_person(show),
            Self::CaughtUp(caught_up) => caught_up.each_person(show),
            Self::AccountChanges(changes) => changes.each_person(show),
            Self::Presence(people) => people.iter_mut().for_each(|(user, _)| show(user)),
            Self::Reminder(reminder) => reminder.each_person(show),
            Self::Reminders(reminders) => reminders.each_person(show),
            Self::PushDevice(device) => show(&mut device.user),
            Self::PushDevices { devices, key: _ } => devices.iter_mut().for_each(|device| show(&mut device.user)),
            Self::Inbox { items, next: _, state: _ } => items.each_person(show),
            Self::UserGroup(group) => group.each_person(show),
            Self::SavedMessages { entries, next: _ } => {
                entries.iter_mut().for_each(|entry| entry.message.each_person(show));
            }
            Self::Done
            | Self::InboxRead(_)
            | Self::Reach(_)
            | Self::UserGroups(_)
            | Self::Thread(_)
            | Self::Sent(_)
            | Self::Sessions(_)
            | Self::Abilities(_)
            | Self::DraftSaved(_)
            | Self::Notifications(_)
            | Self::NotificationExplained { decision: _, pushes: _ }
            | Self::PushedMessage(_)
            | Self::SavedMessage(_)
            | Self::Drafts(_) => {}
        }
    }
}

impl NamesPeople for Command {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::CreateGroup { name: _, members, client_id: _ } => members.each_person(show),
            Self::OpenDirect { user }
            | Self::AddMember { conversation: _, user }
            | Self::RemoveMember { conversation: _, user }
            | Self::SetMemberRole { conversation: _, user, role: _ }
            | Self::SetServerRole { user, role: _ }
            | Self::SetActive { user, active: _ } => show(user),
            Self::CreateUserGroup { name: _, people }
            | Self::AddToUserGroup { group: _, people }
            | Self::RemoveFromUserGroup { group: _, people } => people.each_person(show),
            Self::RenameUserGroup { group: _, name: _ }
            | Self::DeleteUserGroup(_)
            | Self::ReadInbox(_)
            | Self::SendMessage(_)
            | Self::EditMessage { conversation: _, seq: _, text: _ }
            | Self::DeleteMessage { conversation: _, seq: _ }
            | Self::AddReaction { conversation: _, seq: _, emoji: _ }
            | Self::RemoveReaction { conversation: _, seq: _, emoji: _ }
            | Self::ReadAll
            | Self::MarkUnread { conversation: _, seq: _ }
            | Self::SetConversationNotifications { conversation: _, level: _, muted_until: _ }
            | Self::SetNotifications(_)
            | Self::ShowActivity
            | Self::MoveMarker { conversation: _, marker: _, seq: _ }
            | Self::FollowThread { key: _, follows: _ }
            | Self::ReadThread { key: _, seq: _ }
            | Self::CreateReminder { conversation: _, seq: _, at: _ }
            | Self::CancelReminder(_)
            | Self::RemoveFile(_)
            | Self::AddPushDevice(_)
            | Self::RemovePushDevice(_)
            | Self::SaveMessage { conversation: _, seq: _ }
            | Self::UnsaveMessage { conversation: _, seq: _ }
            | Self::CreateRoom { name: _, topic: _, visibility: _, client_id: _ }
            | Self::JoinConversation(_)
            | Self::LeaveConversation(_)
            | Self::HideConversation(_)
            | Self::UpdateConversation { conversation: _, name: _, topic: _, visibility: _ }
            | Self::SaveDraft { key: _, text: _, parent: _, since: _ }
            | Self::DiscardDraft(_)
            | Self::UpdateProfile(_)
            | Self::ChangePassword { current: _, new: _ }
            | Self::ChangeEmail { current: _, email: _ }
            | Self::EndSession(_)
            | Self::SetPresence(_)
            | Self::SetPresenceHere(_)
            | Self::Typing { conversation: _, typing: _ } => {}
        }
    }
}

impl NamesPeople for Query {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        match self {
            Self::User(user) | Self::DirectWith(user) | Self::Abilities { conversation: _, user } => show(user),
            Self::Users { prefix: _, after, limit: _ }
            | Self::Accounts { search: _, after, limit: _ }
            | Self::Members { conversation: _, after, limit: _ } => after.each_person(show),
            Self::UsersById { users, revs: _ } | Self::Presence(users) => users.each_person(show),
            Self::Me
            | Self::Sessions
            | Self::UserByName(_)
            | Self::Conversations { after: _, limit: _ }
            | Self::HiddenConversations { after: _, limit: _ }
            | Self::PublicRoom(_)
            | Self::Discover { prefix: _, after: _, limit: _ }
            | Self::Conversation(_)
            | Self::RoomByName(_)
            | Self::Markers(_)
            | Self::History { conversation: _, view: _, anchor: _, limit: _ }
            | Self::Threads { unread: _, after: _, limit: _ }
            | Self::Message { conversation: _, seq: _ }
            | Self::MessageById(_)
            | Self::Timeline { conversation: _, offset: _, limit: _ }
            | Self::CatchUp { conversation: _, since: _ }
            | Self::Reminders { due: _ }
            | Self::Notifications
            | Self::PushDevices
            | Self::ExplainNotification { conversation: _, seq: _ }
            | Self::SavedMessages { before: _, limit: _, messages: _ }
            | Self::AccountChanges { since: _ }
            // Names of people in what was typed are usernames.
            | Self::Search { q: _, utc_offset: _, conversation: _, order: _, after: _, limit: _ }
            | Self::CompleteSearch { q: _, limit: _ }
            | Self::Inbox { before: _, limit: _ }
            | Self::Reach { conversation: _, text: _ }
            | Self::UserGroups { rev: _ }
            | Self::UserGroup(_)
            | Self::Drafts => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ConversationId,
        presence::{Presence, Seen},
    };

    #[test]
    fn everybody_whom_a_value_names_is_shown_once_for_each_place() {
        let place = Place { kind: crate::conversations::Kind::Direct, name: None, pair: Some((UserId(1), UserId(2))) };
        assert_eq!(named_in(&place), [UserId(1), UserId(2)]);
        let seen = Seen { presence: Presence::Online, last_seen_at: None };
        let people = vec![(UserId(4), String::new(), seen), (UserId(3), String::new(), seen)];
        let mut signal = Signal::PresenceChanged { conversation: ConversationId(9), people };
        signal.each_person(&mut |user| user.0 += 10);
        assert_eq!(named_in(&signal), [UserId(14), UserId(13)]);
        let mut command = Command::CreateGroup { name: None, members: vec![UserId(1), UserId(1)], client_id: None };
        command.each_person(&mut |user| user.0 = 5);
        assert!(matches!(command, Command::CreateGroup { members, .. } if members == [UserId(5), UserId(5)]));
    }
}
