//! Push devices: where somebody is told while none of their pages is open. Who is told of what is in [`deciding`], how a
//! device is told in [`delivering`].
//!
//! A push holds a ticket, with which the device reads the one message that it was told of. Whether it still may is asked
//! when it does: of the session, of the membership, and of the message. The ticket is encrypted for the device with the
//! rest of the push, so that no push service reads it.

mod deciding;
mod delivering;

use chat::{
    AccountFact, Error, ErrorCode, Number, PushDeviceId, Reply, Result, Scope, SessionId, UserId,
    conversations::Kind,
    files::Voice,
    messages::Message,
    notifications::NotificationDecision,
    push_devices::{NewPushDevice, PushDevice, PushExplained, PushKind, PushState, PushedMessage},
    reminders::Reminder,
    text::plain,
};
use push::{Pusher, Subscription};
use store::{
    Conn, Unit,
    mentions::Callee,
    push_devices::{Delivery, PushAddress, followers},
};

use crate::{Call, Cost, Engine, jobs::now, sessions, tokens::Ticket};

pub(crate) use deciding::decide;
pub(crate) use delivering::tell;

/// Characters of a message that a device shows at most.
const EXCERPT: usize = 200;
/// Characters of a language's tag at most (RFC 5646, section 4.4.1).
const LANGUAGE: usize = 35;

/// How devices are told.
#[derive(Clone)]
pub struct Pushing {
    /// The server's key, and the way to push services.
    pub push: Pusher,
    /// How long a message waits before anybody is told of it, in milliseconds: whoever reads it meanwhile is not told.
    pub wait: i64,
}

impl Call {
    /// Tells the speaker on this browser from now on. Saying the same again changes nothing, so that a page may say it
    /// whenever it is opened.
    pub(crate) async fn add_push_device(&self, new: NewPushDevice) -> Result<Reply> {
        let pushing = self.pushing()?;
        let session = self.speaker.session.ok_or_else(|| {
            Error::forbidden(
                "Only sessions of this server are told on devices; a host application tells its own people.",
            )
        })?;
        check_language(&new.language)?;
        let NewPushDevice { endpoint, p256dh, auth, .. } = &new;
        let subscription = Subscription::read(endpoint, p256dh, auth);
        let subscription = subscription.map_err(|wrong| Error::invalid(wrong.field, wrong.detail))?;
        pushing.push.check(&subscription).map_err(|why| Error::invalid("endpoint", why))?;
        // Whose accounts will be numbered must be known before the transaction begins.
        let replaced =
            store::push_devices::replaced_by(&mut *self.db.read().await?, session, subscription.endpoint()).await?;
        let me = self.speaker.user;
        let people: Vec<UserId> = replaced.iter().map(|device| device.user).chain([me]).collect();
        let scopes: Vec<Scope> = people.iter().copied().map(Scope::from).collect();
        let call = self.clone();
        self.change(&scopes, move |unit| Box::pin(add(call, unit, session, subscription, new, people))).await
    }

    fn pushing(&self) -> Result<&Pushing> {
        let pushing = self.settings.push.as_ref();
        pushing.ok_or_else(|| Error::forbidden("This server tells nobody on devices: push.enabled is off."))
    }

    pub(crate) async fn remove_push_device(&self, device: PushDeviceId) -> Result<Reply> {
        let me = self.speaker.user;
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                remove(unit, me, device).await?;
                Ok(Reply::Done)
            })
        })
        .await
    }

    pub(crate) async fn push_devices(&self) -> Result<Reply> {
        let devices = store::push_devices::of_user(&mut *self.db.read().await?, self.speaker.user).await?;
        let key = self.settings.push.as_ref().map(|pushing| pushing.push.public_key().to_owned());
        Ok(Reply::PushDevices { devices, key })
    }

    async fn require_room_for_a_device(&self, conn: &mut Conn) -> Result<()> {
        let most = self.settings.limits.push_devices;
        if store::push_devices::count(conn, self.speaker.user).await? < most {
            return Ok(());
        }
        Err(Error::limit_reached(format!("You may be told on at most {most} devices; remove one first.")))
    }
}

async fn add(
    call: Call,
    unit: &mut Unit,
    session: SessionId,
    subscription: Subscription,
    new: NewPushDevice,
    people: Vec<UserId>,
) -> Result<Reply> {
    let me = call.speaker.user;
    let (endpoint, p256dh, auth) = (subscription.endpoint(), subscription.p256dh(), subscription.auth());
    let address = PushAddress { endpoint, p256dh: &p256dh, auth: &auth };
    let shown = (&*new.language, new.shows_text);
    if let Some(same) = store::push_devices::same(&mut unit.conn, (me, session), address, shown).await? {
        return Ok(Reply::PushDevice(Box::new(same)));
    }
    for device in store::push_devices::replaced_by(&mut unit.conn, session, endpoint).await? {
        if !people.contains(&device.user) {
            return Err(Error::new(ErrorCode::Unavailable, "Somebody else has just used this browser; try again."));
        }
        remove(unit, device.user, device.id).await?;
    }
    call.require_room_for_a_device(&mut unit.conn).await?;
    let (now, rev) = (unit.now, unit.next_number_of(me).await?);
    let device = store::push_devices::add(&mut unit.conn, (me, session), address, shown, (now, rev)).await?;
    let device = device.ok_or_else(Error::internal)?;
    unit.record_of(me, rev, AccountFact::PushDeviceAdded(device.clone())).await?;
    Ok(Reply::PushDevice(Box::new(device)))
}

/// Removes somebody's device, whose account is locked; nothing happens if it is not there.
async fn remove(unit: &mut Unit, user: UserId, device: PushDeviceId) -> Result<()> {
    if store::push_devices::remove(&mut unit.conn, user, device).await? {
        let number = unit.next_number_of(user).await?;
        unit.record_of(user, number, AccountFact::PushDeviceRemoved(device)).await?;
    }
    Ok(())
}

fn check_language(language: &str) -> Result<()> {
    let is_good = !language.is_empty()
        && language.len() <= LANGUAGE
        && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_good {
        return Ok(());
    }
    Err(Error::invalid("language", "language must be a tag such as fr or en-GB."))
}

impl Engine {
    /// The parts of a message that a device may show after a push about it, for whoever has the ticket that stood in
    /// the push.
    ///
    /// # Errors
    /// `unauthenticated` if the ticket or its session is over; `not_found` if the message is not there, or not for the
    /// person any more; `rate_limited`.
    pub async fn open_push(&self, ticket: &str) -> Result<Reply> {
        let ticket = self.inner.settings.keys.verify_ticket(ticket, self.now())?;
        let arrival = sessions::authenticate(&self.inner, ticket.claim()).await?;
        self.admit(&arrival.speaker, Cost::Request)?;
        let call = Call { engine: self.clone(), speaker: arrival.speaker.clone(), origin: None };
        let mut conn = self.inner.db.read().await?;
        // A device that was removed shows nothing any more, even if its session goes on.
        let device = store::push_devices::by_id(&mut conn, ticket.device).await?;
        let device = device.filter(|device| device.user == arrival.speaker.user && device.session == ticket.session);
        let device = device.ok_or_else(|| Error::not_found("push device"))?;
        let shown = call.pushed(&mut conn, &ticket, device).await?;
        Ok(Reply::PushedMessage(Box::new(shown)))
    }
}

impl Call {
    async fn pushed(&self, conn: &mut Conn, ticket: &Ticket, device: PushDevice) -> Result<PushedMessage> {
        let Ticket { conversation, seq, kind, .. } = *ticket;
        let access = self.access_in(conn, conversation).await?;
        let message = access.live_message(conn, seq).await?;
        let listed = self.listed(conn, conversation).await?;
        let read_seq = read_to(conn, self.speaker.user, &message, listed.read_seq).await?;
        let number = number_for(conn, self.speaker.user, &message).await?;
        let aside = message.thread.filter(|_| !message.is_in_room());
        let words = message.words_calling(|file| match &file.voice {
            Some(voice) => voice_message(voice, &device.language),
            None => file.called(),
        });
        let words = words.filter(|_| device.shows_text).map(|words| excerpt(&words));
        Ok(PushedMessage {
            conversation,
            seq,
            thread: aside,
            kind,
            name: listed.conversation.name,
            author: message.author_shown_name,
            text: words.filter(|text| !text.is_empty()),
            is_read: read_seq >= number && kind != PushKind::Reminder,
            unread: listed.unread,
            language: device.language,
        })
    }
}

/// A recording as the page calls it, in the device's language.
fn voice_message(voice: &Voice, language: &str) -> String {
    let name = if language.starts_with("fr") { "Message vocal" } else { "Voice message" };
    let seconds = voice.duration_ms.saturating_add(500) / 1_000;
    format!("{name}, {}:{:02}", seconds / 60, seconds % 60)
}

/// The beginning of what a text says.
fn excerpt(text: &str) -> String {
    let plain = plain(text);
    let mut letters = plain.trim().chars();
    let mut short: String = letters.by_ref().take(EXCERPT).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// The state of a message's pushes to somebody's devices. Who has read it before anything was to be sent was not told
/// for that reason, of which nothing is kept.
///
/// # Errors
/// The store's.
pub(crate) async fn explained(
    conn: &mut Conn,
    user: UserId,
    message: &Message,
    decision: &NotificationDecision,
) -> Result<Vec<PushExplained>> {
    let conversation = message.conversation;
    let mut pushes = store::push_devices::explain(conn, user, conversation).await?;
    let mut is_read = false;
    if decision.notifies && pushes.iter().any(|push| push.state.is_none()) {
        let markers = store::markers::markers_of(conn, conversation, user).await?;
        let in_room = markers.map(|markers| markers.read_seq).unwrap_or_default();
        is_read = read_to(conn, user, message, in_room).await? >= number_for(conn, user, message).await?;
    }
    for push in &mut pushes {
        match push.seq {
            None => push.state = is_read.then_some(PushState::Read),
            // It was told of an edit of an earlier message since; whether it was told of this one is not known any more.
            Some(told) if told < message.seq => {
                *push = PushExplained { state: None, seq: None, at: None, error: None, ..push.clone() };
            }
            Some(_) => {}
        }
    }
    Ok(pushes)
}

/// How far somebody has read where a message stands: in the room, or in a thread that they follow.
async fn read_to(conn: &mut Conn, user: UserId, message: &Message, in_room: Number) -> Result<Number> {
    let Some(root) = message.thread.filter(|_| !message.is_in_room()) else { return Ok(in_room) };
    let read = followers(conn, message.conversation, &[user]).await?;
    Ok(read.get(&(user, root)).map_or(in_room, |(read, _)| *read))
}

/// Under which number a message came to be for somebody: its own, or that of the edit that has called them. A direct
/// message was for them from the first.
async fn number_for(conn: &mut Conn, user: UserId, message: &Message) -> Result<Number> {
    if message.edited_at.is_none() || message.mentions.is_empty() {
        return Ok(message.seq);
    }
    let conversation = store::conversations::by_id(conn, message.conversation).await?;
    if conversation.is_none_or(|conversation| conversation.kind == Kind::Direct) {
        return Ok(message.seq);
    }
    let groups = store::user_groups::of_user(conn, user).await?;
    let callings = store::mentions::callings(conn, &[message.id]).await?.remove(&message.id).unwrap_or_default();
    let calls = |callee: &Callee| match callee {
        Callee::Person(person) => *person == user,
        Callee::Group(group) => groups.contains(group),
        Callee::Everybody => true,
    };
    let first = callings.iter().filter(|(callee, _)| calls(callee)).map(|(_, calling)| calling.number).min();
    Ok(first.unwrap_or(message.seq))
}

/// Has a reminder that is due told on all devices of its person. They have asked for this moment, so nothing keeps it back.
///
/// # Errors
/// The store's.
pub(crate) async fn remind(unit: &mut Unit, reminder: &Reminder) -> Result<()> {
    let at = now(unit).await?;
    let Reminder { id, user, conversation, seq, .. } = *reminder;
    for device in store::push_devices::of_user(&mut unit.conn, user).await? {
        let kind = PushKind::Reminder;
        let delivery = Delivery { user, device: device.id, conversation, reminder: id.0, seq, kind };
        store::push_devices::deliver(&mut unit.conn, &delivery, at).await?;
    }
    Ok(())
}

/// How many pushes wait for their devices, and for how long the first of them does, in milliseconds.
///
/// # Errors
/// The store's.
pub(crate) async fn waiting(engine: &Engine) -> Result<(i64, i64)> {
    let (count, since) = store::push_devices::all_waiting(&mut *engine.inner.db.read().await?).await?;
    Ok((count, if count == 0 { 0 } else { engine.now().since(since).max(0) }))
}

/// Removes all devices whose session is over, by jobs; for once in a while. How many devices there are.
///
/// # Errors
/// The store's.
pub(crate) async fn sweep(engine: &Engine) -> Result<i64> {
    let work = engine.inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let now = unit.now;
            store::push_devices::end_with_all_sessions(&mut unit.conn, now).await?;
            Ok(store::push_devices::total(&mut unit.conn).await?)
        })
    });
    work.await
}

/// How devices are told, if they are.
fn pushing(engine: &Engine) -> Option<Pushing> {
    engine.inner.settings.push.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_what_is_shown_of_a_text_and_not_too_long() {
        assert_eq!(excerpt("**Hello** `you`"), "Hello you");
        assert_eq!(excerpt(&"好".repeat(EXCERPT)), "好".repeat(EXCERPT));
        assert_eq!(excerpt(&"好".repeat(EXCERPT + 1)), format!("{}…", "好".repeat(EXCERPT)));
        assert_eq!(excerpt(" "), "");
    }

    #[test]
    fn a_voice_message_is_called_so_in_the_language_of_the_device() {
        let voice = Voice { duration_ms: 61_499, waveform: Vec::new() };
        assert_eq!(voice_message(&voice, "en-GB"), "Voice message, 1:01");
        assert_eq!(voice_message(&voice, "fr"), "Message vocal, 1:01");
    }

    #[test]
    fn a_language_is_a_tag() {
        for good in ["fr", "en-GB", "zh-Hant-TW"] {
            assert_eq!(check_language(good), Ok(()));
        }
        for bad in ["", "f r", "fr_FR", "français", &"a".repeat(LANGUAGE + 1)] {
            assert!(check_language(bad).is_err(), "{bad}");
        }
    }
}
