//! `[outgoing]`: what may be asked of other servers.

use outgoing::{Allowed, NotAllowed};

use super::key::Key;

/// The settings of requests to other servers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// Destinations that may be asked although their address is not of the public internet, or their port unusual.
    pub allow: Vec<Allowed>,
}

pub(super) fn keys() -> Vec<Key> {
    vec![Key::new(
        "outgoing",
        "allow",
        "What may be asked although it is not of the public internet or has an unusual port: internal services. Whoever \
         can post a link can have the server ask these, if previews are made. Loopback, private, link-local and all \
         other special addresses, those of clouds' metadata among them, are refused otherwise.",
        "a list of ranges like 10.1.0.0/16 or fd00::/8, addresses, and hosts with their port like wiki.internal:8080",
        |_, config, input| allowed(&input.list()?).map(|allow| config.outgoing.allow = allow),
        |_, config| Some(config.outgoing.allow.iter().map(ToString::to_string).collect::<Vec<_>>().into()),
    )]
}

fn allowed(entries: &[String]) -> Result<Vec<Allowed>, String> {
    let entry = |text: &String| text.parse().map_err(|wrong: NotAllowed| format!("has {text:?}: {wrong}"));
    entries.iter().map(entry).collect()
}
