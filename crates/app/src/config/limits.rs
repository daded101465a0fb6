//! `[limits]`: how much is allowed. The table itself is `chat::Limits::TABLE`.

use chat::Limits;

use super::key::Key;

pub(super) fn keys() -> Vec<Key> {
    Limits::TABLE
        .iter()
        .map(|&(name, _, least, most, meaning)| {
            Key::new(
                "limits",
                name,
                meaning.trim(),
                format!("{least} to {most}"),
                |key, config, input| {
                    config.limits.set(key.name, input.integer()?).map_err(|_| "is out of range".to_owned())
                },
                |key, config| {
                    let values = config.limits.values();
                    values.into_iter().find(|(name, _)| *name == key.name).map(|(_, value)| value.into())
                },
            )
        })
        .collect()
}
