//! `[previews]`: previews of links.

use super::key::Key;

/// Previews of links.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Previews {
    /// Whether pages are looked at, in conversations that want it.
    pub enabled: bool,
}

pub(super) fn keys() -> Vec<Key> {
    vec![Key::new(
        "previews",
        "enabled",
        "Whether the server looks at the pages behind links, in rooms and groups whose settings want previews. It asks \
         other servers, which so learn that somebody here has posted the link, and when; not who, nor who reads it.",
        "true or false",
        |_, config, input| input.boolean().map(|enabled| config.previews.enabled = enabled),
        |_, config| Some(config.previews.enabled.into()),
    )]
}
