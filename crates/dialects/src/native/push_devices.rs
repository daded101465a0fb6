//! Push devices: how a browser subscribes, how one's devices are shown, and what a device reads of a message that it was
//! told of.

use chat::{
    Command, PushDeviceId,
    push_devices::{self, NewPushDevice},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{self, Integer, Text};
use crate::time::Time;

/// The keys of a subscription, as browsers give them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushKeys {
    /// Its public key: a point of P-256, 65 bytes in base64url.
    p256dh: Text,
    /// Its secret: 16 bytes in base64url.
    auth: Text,
}

/// A browser's subscription at its push service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddPushDevice {
    /// The address at the push service: an `https` URL of at most 1,024 bytes.
    endpoint: Text,
    /// Its keys.
    keys: PushKeys,
    /// The language in which it tells: a tag such as `fr` or `en-GB`; `en` if absent.
    language: Option<Text>,
    /// Whether it shows what messages say; true if absent.
    text: Option<bool>,
}

impl From<AddPushDevice> for Command {
    fn from(add: AddPushDevice) -> Self {
        Self::AddPushDevice(Box::new(NewPushDevice {
            endpoint: add.endpoint.0,
            p256dh: add.keys.p256dh.0,
            auth: add.keys.auth.0,
            language: add.language.map_or_else(|| "en".to_owned(), |language| language.0),
            shows_text: add.text.unwrap_or(true),
        }))
    }
}

/// One of one's devices.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfPushDevice {
    /// Which.
    device: Integer,
}

impl OfPushDevice {
    pub(super) fn id(&self) -> PushDeviceId {
        PushDeviceId(self.device.0)
    }
}

/// A push that a device opens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenPush {
    /// The ticket that stood in the push.
    pub(super) ticket: Text,
}

/// A browser on which one is told; nobody else sees it.
#[derive(Serialize, ToSchema)]
pub struct PushDevice<'a> {
    /// Its id.
    id: i64,
    /// The session with which it ends.
    session: i64,
    /// The browser's own description (`User-Agent`) when it subscribed.
    agent: Option<&'a str>,
    /// The language in which it tells.
    language: &'a str,
    /// Whether it shows what messages say.
    text: bool,
    /// When it subscribed.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// The number in the account with which it was added.
    rev: i64,
}

impl<'a> From<&'a push_devices::PushDevice> for PushDevice<'a> {
    fn from(device: &'a push_devices::PushDevice) -> Self {
        Self {
            id: device.id.0,
            session: device.session.0,
            agent: device.agent.as_deref(),
            language: &device.language,
            text: device.shows_text,
            created_at: Time(device.created_at),
            rev: device.rev.0,
        }
    }
}

/// A device on which one is told no longer.
#[derive(Serialize, ToSchema)]
pub struct RemovedPushDevice {
    /// The id that the device had.
    pub(crate) id: i64,
}

/// The devices on which one is told.
#[derive(Serialize, ToSchema)]
pub struct PushDevices<'a> {
    /// In the order in which they subscribed.
    devices: Vec<PushDevice<'a>>,
    /// The server's public key, as browsers need it to subscribe (`applicationServerKey`), in base64url; `null` if this
    /// server tells nobody on devices.
    key: Option<&'a str>,
}

impl<'a> PushDevices<'a> {
    pub(super) fn new(devices: &'a [push_devices::PushDevice], key: Option<&'a str>) -> Self {
        Self { devices: devices.iter().map(PushDevice::from).collect(), key }
    }
}

/// The state of a message's push on one of the speaker's devices.
#[derive(Serialize, ToSchema)]
pub struct PushExplained<'a> {
    /// The device.
    device: i64,
    /// The state of the last push about this message or a later one: `waiting`, `sent`, `read` (before it was
    /// sent) or `given_up`; `null` if there was none.
    #[schema(value_type = Option<fields::PushState>)]
    state: Option<&'static str>,
    /// Up to which message it told: a later one than was asked for where messages were gathered.
    seq: Option<i64>,
    /// Since when that is so.
    #[schema(value_type = Option<fields::Moment>)]
    at: Option<Time>,
    /// The push service's reason for refusing it, such as a status.
    error: Option<&'a str>,
}

impl<'a> From<&'a push_devices::PushExplained> for PushExplained<'a> {
    fn from(one: &'a push_devices::PushExplained) -> Self {
        Self {
            device: one.device.0,
            state: one.state.map(push_devices::PushState::name),
            seq: one.seq.map(|seq| seq.0),
            at: one.at.map(Time),
            error: one.error.as_deref(),
        }
    }
}

/// The parts of a pushed message that a device may show.
#[derive(Serialize, ToSchema)]
pub struct PushedMessage<'a> {
    /// The conversation of the message.
    conversation: i64,
    /// The number of the message.
    seq: i64,
    /// The root of the thread in which it stands aside from the room.
    thread: Option<i64>,
    /// The reason for the push.
    #[schema(value_type = fields::PushKind)]
    kind: &'static str,
    /// The name of the conversation, if it has one.
    name: Option<&'a str>,
    /// The name that is shown of its author.
    author: &'a str,
    /// The beginning of what it says, without markers; `null` if the device shows no text.
    text: Option<&'a str>,
    /// Whether one has read it: then it is not shown any more.
    read: bool,
    /// One's unread messages of the conversation, counted up to 100.
    unread: i64,
    /// The device's language.
    language: &'a str,
}

impl<'a> From<&'a push_devices::PushedMessage> for PushedMessage<'a> {
    fn from(message: &'a push_devices::PushedMessage) -> Self {
        Self {
            conversation: message.conversation.0,
            seq: message.seq.0,
            thread: message.thread.map(|root| root.0),
            kind: message.kind.name(),
            name: message.name.as_deref(),
            author: &message.author,
            text: message.text.as_deref(),
            read: message.is_read,
            unread: message.unread,
            language: &message.language,
        }
    }
}
