//! `[web]`: the web client.

use super::key::Key;

/// The web client.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// Whether it is served.
    pub client: bool,
    /// Whether the playground is served with it; see [`super::Config::playground`].
    pub playground: Option<bool>,
}

impl Default for Web {
    fn default() -> Self {
        Self { client: true, playground: None }
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "web",
            "client",
            "Whether the web client is served at `/`.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.web.client = on),
            |_, config| Some(config.web.client.into()),
        ),
        Key::new(
            "web",
            "playground",
            "Whether the playground is served at `/play`: two test people side by side, and what goes over the wire. It \
             registers an account for each of them, by the same rules as for everybody.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.web.playground = Some(on)),
            |_, config| config.web.playground.map(Into::into),
        )
        .unset("true", "true if `server.environment` is development, else false"),
    ]
}
