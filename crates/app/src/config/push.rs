//! `[push]`: people are told on their devices while they have no page open.

use super::key::{Key, text};

/// Being told on one's devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Whether people can be told on their devices.
    pub enabled: bool,
    /// How long a message waits before anybody is told of it: who reads it meanwhile is not told.
    pub wait_seconds: i64,
    /// Where the operator of a push service may complain.
    pub contact: Option<String>,
}

impl Default for Push {
    fn default() -> Self {
        Self { enabled: true, wait_seconds: 5, contact: None }
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "push",
            "enabled",
            "Whether people can be told of messages on their devices while they have no page open. The server then sends \
             encrypted requests to the push services of browsers' makers: which device, when, and nothing else.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.push.enabled = on),
            |_, config| Some(config.push.enabled.into()),
        ),
        Key::new(
            "push",
            "wait_seconds",
            "How long a message waits before anybody is told of it on a device: who reads it meanwhile is not told.",
            "0 to 600",
            |_, config, input| input.within(0..=600).map(|seconds| config.push.wait_seconds = seconds),
            |_, config| Some(config.push.wait_seconds.into()),
        ),
        Key::new(
            "push",
            "contact",
            "Where the operators of push services find who runs this server. Apple's asks for one.",
            "a mailto: or https: address",
            |_, config, input| contact(input.text()?).map(|contact| config.push.contact = Some(contact)),
            |_, config| config.push.contact.as_deref().and_then(|contact| text(&contact)),
        )
        .unset("\"mailto:admin@example.org\"", "`server.public_url`, if that begins with https:"),
    ]
}

fn contact(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_good =
        ["mailto:", "https://"].iter().any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty()));
    let is_plain = text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good && is_plain { Ok(text.to_owned()) } else { Err("is no mailto: or https: address".to_owned()) }
}
