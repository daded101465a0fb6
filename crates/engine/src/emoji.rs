//! Custom emoji: kept by the server's moderators and administrators, and written and reacted with by everybody. The list is
//! asked for by the number of its last change.

use chat::{
    Error, ErrorCode, FileId, Number, Reply, Result,
    avatars::Holder,
    emoji::{self, Emoji},
    permission,
};
use store::Conn;

use crate::Call;

/// The names that standard emoji have, as GitHub has them; sorted, one on each line.
const STANDARD: &str = include_str!("emoji/standard.txt");

impl Call {
    /// All emoji. Everybody may see them.
    pub(crate) async fn emoji(&self, rev: Option<Number>) -> Result<Reply> {
        Ok(Reply::EmojiList(store::emoji::all(&mut *self.db.read().await?, rev).await?))
    }

    pub(crate) async fn add_emoji(&self, name: String, picture: FileId) -> Result<Reply> {
        self.require_may_keep_emoji()?;
        check_name(&name)?;
        let call = self.clone();
        self.change(&[], move |unit| {
            Box::pin(async move {
                store::emoji::change(&mut unit.conn).await?;
                if let Some(known) = store::emoji::by_name(&mut unit.conn, &name).await? {
                    // Whoever repeats what was done already gets the same answer.
                    return if known.picture == picture { Ok(Reply::Emoji(known)) } else { Err(taken()) };
                }
                let most = call.settings.limits.emoji;
                if store::emoji::count(&mut unit.conn).await? >= most {
                    return Err(Error::limit_reached(format!("The server may have at most {most} custom emoji.")));
                }
                call.hold_picture(unit, picture, Holder::Emoji).await?;
                let added = Emoji { name, picture, added_by: call.speaker.user, created_at: unit.now };
                store::emoji::add(&mut unit.conn, &added).await?;
                Ok(Reply::Emoji(added))
            })
        })
        .await
    }

    pub(crate) async fn remove_emoji(&self, name: String) -> Result<Reply> {
        self.require_may_keep_emoji()?;
        self.change(&[], move |unit| {
            Box::pin(async move {
                let Some(known) = store::emoji::by_name(&mut unit.conn, &name).await? else { return Ok(Reply::Done) };
                store::emoji::change(&mut unit.conn).await?;
                store::emoji::remove(&mut unit.conn, &name).await?;
                store::avatars::release(&mut unit.conn, known.picture, unit.now).await?;
                Ok(Reply::Done)
            })
        })
        .await
    }

    fn require_may_keep_emoji(&self) -> Result<()> {
        if permission::may_keep_emoji(self.speaker.role) {
            return Ok(());
        }
        Err(Error::forbidden("Only moderators and administrators of the server may keep custom emoji."))
    }
}

/// Refuses a reaction with a custom emoji that there is not.
pub(crate) async fn require_known(conn: &mut Conn, reaction: &str) -> Result<()> {
    let Some(name) = emoji::named(reaction) else { return Ok(()) };
    if store::emoji::by_name(conn, name).await?.is_some() {
        return Ok(());
    }
    Err(Error::invalid("emoji", format!("There is no emoji {reaction} on this server.")))
}

fn check_name(name: &str) -> Result<()> {
    if !emoji::is_name(name) {
        return Err(Error::invalid("name", "name must have 2 to 32 characters of a-z, 0-9 and _."));
    }
    if is_standard(name) {
        return Err(Error::invalid("name", format!("name must not be {name}: a standard emoji has this name.")));
    }
    Ok(())
}

fn is_standard(name: &str) -> bool {
    STANDARD.lines().any(|standard| standard == name)
}

fn taken() -> Error {
    let taken = Error::new(ErrorCode::Conflict, "An emoji has this name already.");
    Error { field: Some("/name".into()), ..taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain_and_no_standard_emoji_has_it() {
        for good in ["party_parrot", "x1", "a".repeat(32).as_str()] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "x", "Party", "a-b", "été", "smile", "tada", "a".repeat(33).as_str()] {
            assert_eq!(check_name(bad).map_err(|error| error.field), Err(Some("/name".into())), "{bad}");
        }
    }
}
