//! Avatars: pictures of people, of rooms and groups, and of the server. Each is a file that its owner has uploaded as any
//! other; from the moment on at which something holds it, no message can carry it, and who may see it follows from what
//! holds it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use blobs::Reading;
use chat::{
    AccountFact, ConversationId, Error, ErrorCode, Fact, FileId, Reply, Result, UserId,
    accounts::{Account, Speaker},
    avatars::{AvatarOf, Holder},
    conversations::Visibility,
    files::{File, StoredFile, readable_size},
    permission,
    policies::Ability,
};
use store::{Conn, Unit, avatars, files};

use crate::{Call, Engine, files::note};

/// How long the server's avatar is believed: another node may have changed it.
const BELIEVED: Duration = Duration::from_secs(1);

/// The server's avatar, as it was last read: it is told to everybody who connects.
#[derive(Default)]
pub(crate) struct OfServer(Mutex<Option<(Instant, Option<FileId>)>>);

impl OfServer {
    fn known(&self) -> Option<Option<FileId>> {
        let known = *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.filter(|(read, _)| read.elapsed() < BELIEVED).map(|(_, picture)| picture)
    }

    fn put(&self, known: Option<(Instant, Option<FileId>)>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = known;
    }
}

impl Engine {
    /// The server's avatar, if it has one.
    ///
    /// # Errors
    /// The store's.
    pub async fn server_avatar(&self) -> Result<Option<FileId>> {
        let inner = &self.inner;
        if let Some(picture) = inner.server_avatar.known() {
            return Ok(picture);
        }
        let read = Instant::now();
        let picture = avatars::of_server(&mut *inner.db.read().await?).await?;
        inner.server_avatar.put(Some((read, picture)));
        Ok(picture)
    }

    /// Opens a picture that something holds, for somebody who may see it; without a speaker for a stranger.
    ///
    /// # Errors
    /// `not_found` if there is none, or they may not; `unavailable`.
    pub async fn open_picture(&self, speaker: Option<&Speaker>, picture: FileId) -> Result<(File, Box<dyn Reading>)> {
        let nothing = || Error::not_found("picture");
        let mut conn = self.inner.db.read().await?;
        let holder = avatars::holder(&mut conn, picture).await?.ok_or_else(nothing)?;
        let may = match (holder, speaker) {
            (Holder::Server, _) | (Holder::Account | Holder::Emoji, Some(_)) => true,
            (Holder::Conversation(conversation), Some(speaker)) => {
                let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
                call.may_see_avatar(&mut conn, conversation).await?
            }
            (Holder::Account | Holder::Emoji | Holder::Conversation(_), None) => false,
        };
        if !may {
            return Err(nothing());
        }
        let stored = files::by_id(&mut conn, picture).await?.ok_or_else(nothing)?;
        drop(conn);
        let reading = self.inner.files()?.blobs.open(picture).await.inspect_err(note)?;
        if i64::try_from(reading.size()) != Ok(stored.file.size) {
            tracing::error!(file = %picture, size = reading.size(), "a picture is not whole");
            return Err(Error::internal());
        }
        Ok((stored.file, reading))
    }
}

impl Call {
    /// Members see the avatar of their room, and of a public room everybody who could join it.
    async fn may_see_avatar(&self, conn: &mut Conn, conversation: ConversationId) -> Result<bool> {
        if permission::may_roam(self.speaker.role) {
            let row = store::conversations::by_id(conn, conversation).await?;
            if row.is_some_and(|row| row.visibility == Visibility::Public) {
                return Ok(true);
            }
        }
        match self.access_in(conn, conversation).await {
            Ok(_) => Ok(true),
            Err(error) if error.code == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn set_avatar(&self, of: AvatarOf, picture: Option<FileId>) -> Result<Reply> {
        match of {
            AvatarOf::Me => Ok(Reply::Account(Box::new(self.set_avatar_of(self.speaker.user, picture).await?))),
            AvatarOf::User(user) => {
                if picture.is_some() || user != self.speaker.user && !permission::may_remove_avatars(self.speaker.role)
                {
                    let detail =
                        "Only server moderators may take other people's avatars away, and nobody may choose them.";
                    return Err(Error::forbidden(detail));
                }
                Ok(Reply::User(Box::new(self.set_avatar_of(user, None).await?)))
            }
            AvatarOf::Conversation(conversation) => self.set_avatar_in(conversation, picture).await,
            AvatarOf::Server => self.set_server_avatar(picture).await,
        }
    }

    async fn set_avatar_of(&self, user: UserId, picture: Option<FileId>) -> Result<Account> {
        let call = self.clone();
        let account = self
            .change(&[user.into()], move |unit| {
                Box::pin(async move {
                    let found = store::accounts::by_id(&mut unit.conn, user).await?;
                    let mut account = found.ok_or_else(|| Error::not_found("user"))?;
                    if account.avatar == picture {
                        return Ok(account);
                    }
                    call.exchange(unit, account.avatar, picture, Holder::Account).await?;
                    account.avatar = picture;
                    account.rev = unit.next_number_of(user).await?;
                    avatars::set_of_account(&mut unit.conn, user, picture, account.rev).await?;
                    unit.record_of(user, account.rev, AccountFact::ProfileChanged(Box::new(account.clone()))).await?;
                    Ok(account)
                })
            })
            .await?;
        self.forget_people();
        Ok(account)
    }

    async fn set_avatar_in(&self, conversation: ConversationId, picture: Option<FileId>) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                // Nobody may in a direct conversation.
                access.may(Ability::EditSettings)?;
                let mut row = access.conversation;
                if row.avatar == picture {
                    return Ok(());
                }
                call.exchange(unit, row.avatar, picture, Holder::Conversation(conversation)).await?;
                let number = unit.next_number(conversation).await?;
                (row.avatar, row.rev, row.head) = (picture, number, number);
                avatars::set_of_conversation(&mut unit.conn, conversation, picture, number).await?;
                unit.record(conversation, number, call.speaker.user, Fact::ConversationUpdated(row));
                Ok(())
            })
        })
        .await?;
        self.conversation(conversation).await
    }

    async fn set_server_avatar(&self, picture: Option<FileId>) -> Result<Reply> {
        if !permission::may_administer(self.speaker.role) {
            return Err(Error::forbidden("Only administrators may change the server's avatar."));
        }
        let call = self.clone();
        let reply = self.change(&[], move |unit| {
            Box::pin(async move {
                let before = avatars::of_server(&mut unit.conn).await?;
                if before == picture {
                    return Ok(Reply::Done);
                }
                // Another node may have set one at the same moment: whatever there is goes.
                avatars::release_servers(&mut unit.conn, unit.now).await?;
                call.exchange(unit, None, picture, Holder::Server).await?;
                Ok(Reply::Done)
            })
        });
        let reply = reply.await?;
        self.engine.inner.server_avatar.put(None);
        Ok(reply)
    }

    /// Gives up the picture that was shown, and holds the one that is to be shown.
    async fn exchange(
        &self,
        unit: &mut Unit,
        before: Option<FileId>,
        after: Option<FileId>,
        holder: Holder,
    ) -> Result<()> {
        if let Some(picture) = after {
            self.hold_picture(unit, picture, holder).await?;
        }
        if let Some(before) = before {
            avatars::release(&mut unit.conn, before, unit.now).await?;
        }
        Ok(())
    }

    /// Holds a picture that the speaker has uploaded, if it is fit to be shown there.
    pub(crate) async fn hold_picture(&self, unit: &mut Unit, picture: FileId, holder: Holder) -> Result<()> {
        let stored = files::by_id(&mut unit.conn, picture).await?;
        let stored = stored
            .filter(|stored| stored.owner == self.speaker.user && stored.place.is_none() && stored.gone_at.is_none());
        let unknown = || {
            let detail = "This is no file of yours that waits to be used: upload it (again) and name that one.";
            Error::invalid("picture", detail)
        };
        let stored = stored.ok_or_else(unknown)?;
        self.check_picture(&stored, holder)?;
        if avatars::hold(&mut unit.conn, stored.number, holder).await? { Ok(()) } else { Err(unknown()) }
    }

    fn check_picture(&self, stored: &StoredFile, holder: Holder) -> Result<()> {
        let refused =
            |code: ErrorCode, detail: String| Err(Error { field: Some("/picture".into()), ..Error::new(code, detail) });
        let (limits, file) = (&self.settings.limits, &stored.file);
        if !holder.media_types().contains(&file.media_type.as_str()) {
            let names: Vec<&str> = holder.media_types().iter().filter_map(|name| name.strip_prefix("image/")).collect();
            let detail =
                format!("This file is {}; such a picture must be one of: {}.", file.media_type, names.join(", "));
            return refused(ErrorCode::UnsupportedType, detail);
        }
        let most = if holder == Holder::Emoji { limits.emoji_bytes } else { limits.avatar_bytes };
        if file.size > most {
            let detail = format!("Such a picture may have at most {most} bytes ({}).", readable_size(most));
            return refused(ErrorCode::TooLarge, detail);
        }
        let most = limits.avatar_pixels;
        match file.pixels {
            Some((width, height)) if width <= most && height <= most => Ok(()),
            Some((width, height)) => refused(
                ErrorCode::Invalid,
                format!("This picture has {width} × {height} pixels; it may have at most {most} × {most}."),
            ),
            None => {
                refused(ErrorCode::Invalid, "How large this picture is cannot be read in it: it may be damaged.".into())
            }
        }
    }
}
